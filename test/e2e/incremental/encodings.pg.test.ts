import { Client } from "pg";
import { describe, expect, it } from "vitest";
import { OLD_MAJORS, ownBuild } from "../../../src/embedded/binaries.ts";
import { startServer } from "../../../src/embedded/server.ts";
import { newProgress } from "../../../src/task/events.ts";
import { shortMemory } from "../../../src/task/task-memory.ts";
import { type Endpoint, parseEndpoint } from "../../../src/wire/endpoint.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;
const inEncoding = (encoding: string): string => `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;

/** A source by its URI; texts that the copy brings and that come as changes. */
interface Way {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly run: (sql: string) => Promise<unknown>;
}

async function follow({ source, target, run }: Way, during: readonly string[]): Promise<void> {
  const asked = new AbortController();
  const caughtUp = async (): Promise<void> => {
    for (const sql of during) await run(sql);
    asked.abort();
  };
  const incremental = { conflicts: "stop", untilCaughtUp: false, fence: false } as const;
  const options = taskOptions(source, target, { type: "full+incremental", acceptAlarms: true, incremental });
  await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal }, shortMemory(), { caughtUp, asked: asked.signal });
}

/** Bytes that are no UTF-8, and such as would be a character of it. */
const BYTES = String.raw`'\xe9'`;
const TWO_BYTES = String.raw`'\xc3a9'`;

it.each([
  ["pgoutput converts values", "LATIN1", "UTF8"],
  ["of the source's own bytes none is lost", "SQL_ASCII", "SQL_ASCII"],
] as const)("%s: %s to %s", async (_, encoding, into) => {
  const [source, target] = [await createDatabase(newest, inEncoding(encoding)), await createDatabase(newest, inEncoding(into))];
  const value = (bytes: string): string => `convert_from(${bytes}, '${encoding}')`;
  const values = `(1, ${value(BYTES)}), (2, ${value(TWO_BYTES)})`;
  await source.query(`create table a (id int primary key, v text); create unlogged table u (id int, v text); insert into a values ${values}; insert into u values ${values}`);
  await follow({ source: source.endpoint("source"), target: target.endpoint("target"), run: async (sql) => await source.query(sql) }, [
    // More than a walsender is asked for.
    `insert into a select n, repeat(${value(BYTES)}, 1000) from generate_series(1000, 3999) n`,
    `insert into a values (11, ${value(BYTES)}), (12, ${value(TWO_BYTES)}); update a set v = v || v where id < 3`,
  ]);
  for (const table of ["a", "u"]) {
    const contents = `select id, md5(convert_to(v, '${encoding}')) as v from ${table} order by id`;
    expect(await target.query(contents)).toEqual(await source.query(contents));
  }
});

for (const major of OLD_MAJORS) {
  // Nobody packages these: see test/README.md.
  describe.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major} as a source`, () => {
    it.each([
      ["LATIN1", "UTF8", "spaß", [BYTES, TWO_BYTES]],
      ["EUC_JP", "UTF8", "列名", [String.raw`'\xc6fccbdcb8ec'`, String.raw`'\x8eb1'`, String.raw`'\x8fb0b1'`]],
      ["SQL_ASCII", "SQL_ASCII", "texts", [BYTES, TWO_BYTES]],
    ] as const)("texts in %s come as they are in %s", async (encoding, into, name, texts) => {
      await using server = await startServer({ major, settings: { wal_level: "logical", max_replication_slots: 4, max_wal_senders: 4 } });
      const run = async (sql: string, database = "shop"): Promise<unknown[]> => {
        const client = new Client({ connectionString: server.uri(database), application_name: "test" });
        await client.connect();
        try {
          return (await client.query(sql)).rows;
        } finally {
          await client.end();
        }
      };
      await run(`create database shop ${inEncoding(encoding)}`, "postgres");
      const target = await createDatabase(newest, inEncoding(into));
      const rows = (from: number): string => texts.map((bytes, at) => `(${from + at}, convert_from(${bytes}, '${encoding}'))`).join(", ");
      await run(`create table "${name}" (id int primary key, "${name}" text); insert into "${name}" values ${rows(1)}`);
      await follow({ source: parseEndpoint("source", server.uri("shop")), target: target.endpoint("target"), run }, [
        `insert into "${name}" values ${rows(10)}; insert into "${name}" values (99, 'plain')`,
        `update "${name}" set "${name}" = "${name}" || "${name}" where id = 1; delete from "${name}" where id = 2`,
      ]);
      const contents = `select id, md5(convert_to("${name}", '${encoding}')) as v from "${name}" order by id`;
      expect(await target.query(contents)).toEqual(await run(contents));
    });
  });
}
