import { Client } from "pg";
import type { Major } from "../../src/embedded/binaries.ts";
import { setImmediate } from "node:timers/promises";
import { Ledger } from "../../src/copy/ledger.ts";
import { type Applier, type ApplierOptions, openApplier } from "../../src/stream/applier.ts";
import { Intake, type IntakeOptions } from "../../src/stream/intake.ts";
import { type Lsn, parseLsn } from "../../src/wire/lsn.ts";
import { type PgoutputMessage, decodePgoutput } from "../../src/wire/pgoutput.ts";
import { openSession } from "../../src/wire/session.ts";
import { type TestDatabase, createDatabase } from "./databases.ts";

export const TASK = "stream-test";
const SLOT_SETTINGS = `set datestyle = iso; set intervalstyle = postgres; set timezone = utc; set extra_float_digits = 3; set bytea_output = hex; set lc_monetary = 'C'; set search_path = ''`;

/** Two databases with the same tables, and a slot on the first whose changes are applied to the second. The slot is read by SQL, without a replication connection. */
export interface TestStream extends AsyncDisposable {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
  readonly slot: string;
  readonly start: Lsn;
  /** The ledger's epoch. */
  epoch: number;
  /** The messages since the last call (or, with `peek`, since then too, and again the next time). */
  messages(peek?: boolean, isBinary?: boolean): Promise<PgoutputMessage[]>;
  /** Opens an applier, feeds all messages since the last call, and closes it. */
  sync(options?: SyncOptions): Promise<Applier>;
  open(options?: Partial<ApplierOptions>): Promise<Applier>;
  /** The rows of a table on both sides, as text, sorted. */
  rows(table: string): Promise<{ readonly source: string[]; readonly target: string[] }>;
}

export interface SyncOptions extends IntakeOptions {
  readonly policy?: ApplierOptions["policy"];
  readonly peek?: boolean;
  /** Tables whose facts are read before. */
  readonly prepared?: Parameters<Intake["prepare"]>[0];
}

/** `targetDdl` where the target's tables look otherwise. */
export async function openTestStream(majors: Major | readonly [source: Major, target: Major], ddl: string, targetDdl = ddl): Promise<TestStream> {
  const [sourceMajor, targetMajor] = typeof majors === "object" ? majors : [majors, majors];
  const source = await createDatabase(sourceMajor);
  const target = await createDatabase(targetMajor);
  await source.query(ddl);
  await target.query(targetDdl);
  await source.query("create publication p for all tables");
  const slot = `s_${source.name}`;
  const [made] = await source.query<{ lsn: string }>("select lsn::text from pg_create_logical_replication_slot($1, 'pgoutput') as s (slot, lsn)", [slot]);
  for (const database of [source, target]) await database.query(SLOT_SETTINGS);
  await using session = await openSession(target.endpoint("target"));
  const ledger = await Ledger.open(session, TASK);
  const start = parseLsn(made!.lsn);
  const stream: TestStream = {
    source,
    target,
    slot,
    start,
    epoch: ledger.epoch,
    messages: async (peek = false, isBinary = false) => {
      // A connection of its own each time: pgoutput of 10 keeps what it knows of tables from call to call, and falls over it when they were altered.
      const client = new Client({ connectionString: source.uri, application_name: "test" });
      await client.connect();
      try {
        await client.query(SLOT_SETTINGS);
        const read = `select data from pg_logical_slot_${peek ? "peek" : "get"}_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'p'${isBinary ? ", 'binary', 'true'" : ""})`;
        const { rows } = await client.query<{ data: Buffer }>(read, [slot]);
        return rows.map(({ data }) => decodePgoutput(data, 0, data.length, false, isBinary));
      } finally {
        await client.end();
      }
    },
    open: async (options = {}) =>
      await openApplier(target.endpoint("target"), { task: TASK, slot, epoch: stream.epoch, start, policy: "stop", ...options }, new AbortController().signal),
    sync: async ({ policy = "stop", peek = false, ...options } = {}) => {
      const messages = await stream.messages(peek, options.isBinary);
      await using applier = await stream.open({ policy });
      const relief: { resolve?: () => void } = {};
      const intake = new Intake(applier, { ...options, onRelief: () => relief.resolve?.() });
      await intake.prepare(options.prepared ?? []);
      try {
        for (const [at, message] of messages.entries()) {
          intake.take(message);
          // As a socket would: what is read at once, then a pause while too much waits.
          if (at % 100 !== 99) continue;
          if (intake.isCongested) await Promise.race([intake.ended, new Promise<void>((resolve) => (relief.resolve = resolve))]);
          else await setImmediate();
        }
        await intake.idle();
      } finally {
        await intake.close();
      }
      return applier;
    },
    rows: async (table) => {
      const read = async (database: TestDatabase): Promise<string[]> => {
        const [list] = await source.query<{ columns: string | null }>(
          "select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_catalog.pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped",
          [table.replace(/^only /, "")],
        );
        const rows = await database.query<{ row: string }>(
          `select row(${list?.columns ?? ""})::text as row from ${table} order by row(${list?.columns ?? ""})::text collate pg_catalog."C"`,
        );
        return rows.map(({ row }) => row);
      };
      return { source: await read(source), target: await read(target) };
    },
    [Symbol.asyncDispose]: async () => {
      await source.query("select pg_drop_replication_slot($1)", [slot]);
    },
  };
  return stream;
}
