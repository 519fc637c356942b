import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { Pipeline, type Statement } from "./pipeline.ts";
import { openSession } from "./session.ts";

const INT4 = 23;
const BEGIN: Statement = { sql: "begin", parameterTypes: [] };
const COMMIT: Statement = { sql: "commit", parameterTypes: [] };
const ROLLBACK: Statement = { sql: "rollback", parameterTypes: [] };
const INSERT: Statement = { sql: "insert into public.t values ($1)", parameterTypes: [INT4] };
const UPDATE: Statement = { sql: "update public.t set a = a + $1", parameterTypes: [INT4] };
const COPY: Statement = { sql: "copy public.t from stdin", parameterTypes: [] };

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  async function open(): Promise<{ pipeline: Pipeline; database: Awaited<ReturnType<typeof createDatabase>> } & AsyncDisposable> {
    const database = await createDatabase(major);
    await database.query("create table public.t (a int primary key)");
    const session = await openSession(database.endpoint("target"));
    return { database, pipeline: new Pipeline(session), [Symbol.asyncDispose]: async () => await session.close() };
  }

  function insert(pipeline: Pipeline, value: string | null): void {
    pipeline.bind(INSERT);
    pipeline.textParameter(value);
    pipeline.execute();
  }

  function copy(pipeline: Pipeline, rows: readonly (number | string)[]): void {
    pipeline.beginCopy(COPY);
    for (const row of rows) {
      pipeline.out.text(`${row}\n`);
      pipeline.endCopyRow();
    }
    pipeline.endCopy();
  }

  it("brings many statements and COPYs in one flight, and counts each", async () => {
    await using kit = await open();
    const { pipeline, database } = kit;
    pipeline.run(BEGIN);
    insert(pipeline, "1000000");
    copy(pipeline, [...Array(200_000).keys()]);
    insert(pipeline, "1000001");
    copy(pipeline, []);
    pipeline.bind(UPDATE);
    pipeline.parameter(Buffer.from("x0y"), 1, 2);
    pipeline.execute();
    pipeline.run(COMMIT);
    expect(await pipeline.land()).toEqual({ counts: [0, 1, 200_000, 1, 0, 200_002, 0], error: undefined });
    expect(await database.query("select count(*)::int from public.t")).toEqual([{ count: 200_002 }]);
    expect(await pipeline.session.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("an error skips all behind it, COPY data too, and what was not prepared then is prepared the next time", async () => {
    await using kit = await open();
    const { pipeline, database } = kit;
    pipeline.run(BEGIN);
    insert(pipeline, "1");
    insert(pipeline, "1");
    copy(pipeline, [...Array(50_000).keys()]);
    pipeline.run(COMMIT);
    const failed = await pipeline.land();
    expect(failed.counts).toEqual([0, 1]);
    expect(failed.error).toMatchObject({ code: "23505", constraint: "t_pkey" });
    // A COMMIT that rolled back is told apart.
    pipeline.run(COMMIT);
    expect(await pipeline.land()).toEqual({ counts: [-1], error: undefined });
    for (const rows of [
      ["5", "not a number", "6"],
      [...Array(50_000).keys(), "x", ...Array(50_000).keys()],
    ]) {
      pipeline.run(BEGIN);
      copy(pipeline, rows);
      insert(pipeline, null);
      const inCopy = await pipeline.land();
      expect([inCopy.counts, inCopy.error?.code]).toEqual([[0], "22P02"]);
      pipeline.run(ROLLBACK);
      await pipeline.land();
    }
    insert(pipeline, "7");
    copy(pipeline, [8, 9]);
    expect(await pipeline.land()).toEqual({ counts: [1, 2], error: undefined });
    expect(await database.query("select a from public.t order by a")).toEqual([{ a: 7 }, { a: 8 }, { a: 9 }]);
  });

  it("keeps a limited number of statements prepared", async () => {
    await using kit = await open();
    const { pipeline } = kit;
    const statements = Array.from({ length: 1500 }, (_, at) => ({ sql: `select ${at}`, parameterTypes: [] }));
    for (const statement of [...statements, ...statements.slice(0, 10)]) pipeline.run(statement);
    const { counts, error } = await pipeline.land();
    expect([counts.length, error]).toEqual([1510, undefined]);
    const [row] = await pipeline.session.query<{ n: number }>("select count(*)::int as n from pg_prepared_statements");
    expect(row?.n).toBe(500);
    pipeline.run(statements[3]!);
    expect(await pipeline.land()).toEqual({ counts: [1], error: undefined });
  });

  it("a connection that ends says why", async () => {
    await using kit = await open();
    const { pipeline, database } = kit;
    await database.query("select pg_terminate_backend($1)", [pipeline.session.backendPid]);
    insert(pipeline, "1");
    await expect(pipeline.land()).rejects.toMatchObject({ code: "connection-lost" });
    insert(pipeline, "1");
    await expect(pipeline.land()).rejects.toMatchObject({ code: "connection-lost" });
  });
});
