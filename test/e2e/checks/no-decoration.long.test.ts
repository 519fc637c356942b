import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { runCli } from "../../kit/spawn-cli.ts";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import type { CheckItem } from "../../../src/precheck/check.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { type Session, openSession } from "../../../src/wire/session.ts";

/** What a check is there for: with it, the migration does not begin; without it, this is what happens. */
interface Proof {
  readonly check: string;
  /** Checks that would say it, too, in their own way. */
  readonly others?: readonly string[];
  readonly result?: "alarm";
  readonly source?: Readonly<Record<string, string | number>>;
  readonly targetMajor?: 10;
  /** Account of the source, or target, where it is not the superuser. */
  readonly as?: "source" | "target";
  readonly prepare: (source: Session, target: Session) => Promise<unknown>;
  readonly arguments?: readonly string[];
  /** What applications do at the source while the migration runs, again and again. */
  readonly meanwhile?: string;
  /** What the migration ends with: an error's code (one of these), or, where it does not end in one, what is wrong afterwards. */
  readonly ends: string | readonly string[] | ((source: Session, target: Session) => Promise<void>);
}

const FOLLOW = ["--type", "full+incremental", "--until", "caught-up"];
const ACCOUNT = "create role plain login password 'pass-plain'";

const PROOFS: readonly Proof[] = [
  {
    check: "source-privileges",
    as: "source",
    prepare: async (source) => await source.query(`${ACCOUNT}; create table public.a (id int primary key); revoke all on public.a from plain`),
    ends: ["copy-failed", "privilege-missing"], // the target lacks the table, the source does not let it be read: whichever server answers first
  },
  {
    check: "source-privileges",
    as: "source",
    prepare: async (source) => {
      await source.query(`${ACCOUNT}; create table public.a (id int primary key); insert into public.a values (1), (2); grant select on public.a to plain;
        alter table public.a enable row level security; create policy one on public.a using (id = 1)`);
    },
    arguments: ["--no-privileges"],
    ends: "privilege-missing", // row_security is off in our sessions: else one of two rows would have been moved
  },
  {
    check: "target-privileges",
    others: ["structure-rehearsal"],
    as: "target",
    prepare: async (source, target) => {
      await source.query("create schema s; create table s.a (id int primary key)");
      await target.query(`${ACCOUNT}; revoke create on database postgres from public`);
    },
    ends: "privilege-missing",
  },
  {
    check: "search-path",
    result: "alarm",
    prepare: async (source) =>
      await source.query(`create function public.one(int) returns int immutable language plpgsql as 'begin return $1; end'; create function public.two(int) returns int immutable language plpgsql as
        'begin return one($1); end'; create table public.a (n int); create index on public.a (public.two(n)); set search_path = public; insert into a values (1)`),
    ends: "structure-failed",
  },
  {
    check: "structure-conflict",
    others: ["structure-rehearsal"],
    prepare: async (source, target) => {
      await source.query("create table public.a (id int primary key)");
      await target.query("create table public.a (name text)");
    },
    ends: "structure-failed",
  },
  {
    check: "owners-present",
    others: ["target-privileges", "structure-rehearsal"],
    prepare: async (source) => await source.query("create role keeper; create table public.a (id int primary key); alter table public.a owner to keeper"),
    ends: "structure-failed",
  },
  {
    check: "structure-compatibility",
    others: ["structure-rehearsal"],
    targetMajor: 10,
    prepare: async (source) => await source.query("create table public.a (id int primary key, u int, unique nulls not distinct (u))"),
    ends: "structure-failed",
  },
  {
    check: "values-representable",
    targetMajor: 10,
    prepare: async (source) => await source.query("create table public.a (id int primary key, n numeric); insert into public.a values (1, 'infinity')"),
    ends: "copy-failed",
  },
  {
    check: "wal-level",
    source: { wal_level: "replica" },
    prepare: async (source) => await source.query("create table public.a (id int primary key)"),
    arguments: FOLLOW,
    ends: "query-failed",
  },
  {
    check: "replication-slots",
    source: { wal_level: "logical", max_replication_slots: 1 },
    prepare: async (source) => await source.query("create table public.a (id int primary key); select pg_create_physical_replication_slot('taken')"),
    arguments: FOLLOW,
    ends: "query-failed",
  },
  {
    check: "replication-connection",
    others: ["publication-rights"],
    source: { wal_level: "logical" },
    as: "source",
    prepare: async (source) => {
      await source.query(
        `${ACCOUNT}; grant create on database postgres to plain; grant create on schema public to plain; create table public.a (id int primary key); alter table public.a owner to plain`,
      );
    },
    arguments: [...FOLLOW, "--no-owner", "--no-privileges"],
    ends: "privilege-missing",
  },
  {
    check: "publication-rights",
    source: { wal_level: "logical" },
    as: "source",
    prepare: async (source) => await source.query(`${ACCOUNT} replication; create table public.a (id int primary key); grant select on public.a to plain`),
    arguments: [...FOLLOW, "--no-owner", "--no-privileges"],
    ends: "privilege-missing",
  },
  {
    check: "superuser-objects",
    others: ["structure-rehearsal", "target-privileges", "owners-present"],
    as: "target",
    prepare: async (source, target) => {
      await source.query(
        "create function public.f() returns event_trigger language plpgsql as $$ begin end $$; create event trigger e on ddl_command_end execute function public.f()",
      );
      await target.query(`${ACCOUNT}; grant all on database postgres to plain; grant all on schema public to plain`);
    },
    arguments: ["--no-owner", "--no-privileges"],
    ends: "privilege-missing",
  },
  {
    check: "structure-conflict",
    others: ["structure-rehearsal"],
    prepare: async (source, target) => {
      await source.query("create table public.a (id int constraint taken primary key)");
      await target.query("create table public.other (id int); create index taken on public.other (id)");
    },
    arguments: ["--include", "table=public.a"],
    ends: "structure-failed", // when all rows have been copied
  },
  {
    check: "connections",
    as: "target",
    prepare: async (source, target) => {
      await source.query("create table public.a (id int primary key); create table public.b (id int primary key); create table public.c (id int primary key)");
      await target.query(`${ACCOUNT} connection limit 3; grant all on database postgres to plain; grant all on schema public to plain`);
    },
    arguments: ["--no-owner", "--no-privileges"],
    ends: "too-many-connections",
  },
  {
    check: "row-security",
    result: "alarm",
    as: "target",
    prepare: async (source, target) => {
      await source.query(`create table public.a (id int primary key); insert into public.a values (1), (2); alter table public.a enable row level security;
        alter table public.a force row level security; create policy one on public.a using (id = 1)`);
      await target.query(`${ACCOUNT}; grant all on database postgres to plain; grant all on schema public to plain`);
    },
    arguments: ["--no-owner", "--no-privileges", "--verify"],
    ends: "privilege-missing", // rows that nobody may compare
  },
  {
    check: "row-security",
    source: { wal_level: "logical" },
    as: "target",
    prepare: async (source, target) => {
      await source.query(`create table public.a (id int primary key, n int default 0); insert into public.a values (1), (2); alter table public.a enable row level security;
        alter table public.a force row level security; create policy one on public.a using (id = 1)`);
      await target.query(`${ACCOUNT}; grant all on database postgres to plain; grant all on schema public to plain`);
    },
    arguments: [...FOLLOW, "--no-owner", "--no-privileges"],
    meanwhile: "update public.a set n = n + 1",
    ends: "privilege-missing", // the first change behind the policies
  },
  {
    check: "target-privileges",
    others: ["structure-rehearsal"],
    as: "target",
    prepare: async (source, target) => {
      await source.query("create role keeper; create table public.a (id int primary key); alter table public.a owner to keeper");
      await target.query(`${ACCOUNT}; create role keeper; grant keeper to plain; grant create on database postgres to plain; grant create on schema public to plain`);
    },
    arguments: ["--no-privileges"],
    ends: "privilege-missing", // the account may create in the schema, the owner-to-be may not
  },
  {
    check: "role-rehearsal",
    result: "alarm",
    as: "target",
    prepare: async (source, target) => {
      await source.query("create role auditor bypassrls; create table public.a (id int primary key)");
      await target.query(`${ACCOUNT} createrole; grant all on database postgres to plain; grant all on schema public to plain`);
    },
    arguments: ["--no-owner", "--no-privileges", "--include", "role=auditor"],
    ends: async (_source, target) => {
      expect(await target.query("select rolbypassrls as bypasses from pg_roles where rolname = 'auditor'")).toEqual([{ bypasses: false }]);
    },
  },
  {
    check: "sequence-limits",
    result: "alarm",
    prepare: async (source) => await source.query("create table public.a (id serial primary key); select setval('public.a_id_seq', 2147483647)"),
    ends: async (_source, target) => {
      await expect(target.query("insert into public.a default values")).rejects.toThrow(/reached maximum value/);
    },
  },
  {
    check: "leftovers",
    result: "alarm",
    source: { wal_level: "logical" },
    prepare: async (source) => {
      await source.query("create table public.a (id int primary key)");
      await source.query("select pg_create_logical_replication_slot('godwit_old_1', 'pgoutput')");
    },
    ends: async (source) => {
      // It goes on to keep WAL.
      await source.query("select pg_logical_emit_message(false, 'x', repeat('x', 1000000)), pg_switch_wal()");
      const [slot] = await source.query<{ kept: number }>("select (pg_current_wal_lsn() - restart_lsn)::int as kept from pg_replication_slots where slot_name = 'godwit_old_1'");
      expect(slot!.kept).toBeGreaterThan(1_000_000);
    },
  },
  {
    check: "parameter-conflict",
    result: "alarm",
    source: { DateStyle: "SQL, DMY" },
    prepare: async (source) => await source.query("create table public.a (id int primary key)"),
    ends: async (source, target) => {
      // What an application that says nothing of it reads: sessions of ours set it by themselves.
      const read = async (session: Session): Promise<unknown> => {
        await session.query("reset datestyle");
        return await session.query("select ('01/02/2026'::date)::text as day");
      };
      expect(await read(source)).not.toEqual(await read(target));
    },
  },
];

interface Finished {
  readonly code: number | null;
  readonly items: readonly CheckItem[];
  readonly error: string | undefined;
}

async function run(args: readonly string[], skipped: readonly string[]): Promise<Finished> {
  const { code, stdout } = await runCli(args, { GODWIT_SKIP_CHECKS: skipped.join(",") });
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line) as { event: string; item?: CheckItem; code?: string }); // prettier-ignore
  return { code, items: events.flatMap(({ item }) => (item === undefined ? [] : [item])), error: events.findLast(({ event }) => event === "error")?.code };
}

/** Applications begin before the migration does, and end when it has. */
async function whileWorking<T>(source: Session, sql: string | undefined, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const writing = (async () => {
    if (sql === undefined) return;
    while (!ended.signal.aborted) {
      await source.query(sql);
      await sleep(20);
    }
  })();
  try {
    return await work();
  } finally {
    ended.abort();
    await writing;
  }
}

function uriOf(server: EmbeddedServer, isPlain: boolean): string {
  const uri = new URL(server.uri());
  if (isPlain) [uri.username, uri.password] = ["plain", "pass-plain"];
  return uri.href;
}

it.each(PROOFS.map((proof, number) => [number + 1, proof.check, proof] as const))("%i: without %s", { timeout: 120_000 }, async (_number, _check, proof) => {
  await using source = await startServer({ major: 18, settings: { fsync: "off", ...proof.source } });
  await using target = await startServer({ major: proof.targetMajor ?? 18, settings: { fsync: "off" } });
  await using atSource = await openSession(parseEndpoint("source", source.uri()));
  await using atTarget = await openSession(parseEndpoint("target", target.uri()));
  await proof.prepare(atSource, atTarget);
  const servers = ["--source", uriOf(source, proof.as === "source"), "--target", uriOf(target, proof.as === "target")];
  const given = (proof.arguments ?? []).filter((argument) => argument !== "--yes");
  const migrate = ["migrate", ...servers, ...given, "--json", "--retry-for", "0s"];
  // With it nothing begins.
  const { code, items } = await run(migrate, proof.others ?? []);
  expect(code).toBe(1);
  expect(items.find(({ id, result }) => id === proof.check && result !== "passed")?.result).toBe(proof.result ?? "failed");
  const without = await whileWorking(atSource, proof.meanwhile, async () => await run([...migrate, "--yes"], [proof.check, ...(proof.others ?? [])]));
  const others = without.items.filter(({ result }) => result === "failed").map(({ id, evidence }) => `${id}: ${evidence.join("; ")}`);
  expect(others).toEqual([]);
  const { ends } = proof;
  const codes: readonly (string | undefined)[] = typeof ends === "function" ? [undefined] : [ends].flat();
  expect(codes).toContain(without.error);
  expect(without.code === 0).toBe(typeof ends === "function");
  if (typeof ends === "function") await ends(atSource, atTarget);
});
