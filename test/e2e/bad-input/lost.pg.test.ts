import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { type CliResult, expectFailure, runCli } from "../../kit/cli.ts";
import { ONE_MAJOR, THOROUGH } from "../../kit/majors.ts";
import { copyingBackend, expectNoSessions, runSql, SLOW_TABLE } from "./own-server.ts";

/** Servers that disappear in the middle of the copy. They are the test's own: others must not suffer. */
describe.each(ONE_MAJOR)("PostgreSQL %i, in the middle of the copy", (major) => {
  let source: EmbeddedServer;
  let target: EmbeddedServer;
  let counter = 0;

  beforeAll(async () => {
    [source, target] = await Promise.all([startServer({ major }), startServer({ major })]);
    await runSql(source, "create database shop");
    await runSql(source, SLOW_TABLE, "shop");
  });
  afterAll(async () => {
    await source.stop();
    await target.stop();
  });

  /** Begins a migration that does not try again, lets something happen while rows travel, and returns how it ended, and the target database. */
  async function interrupted(happens: () => Promise<unknown>, where: EmbeddedServer, retryFor = "0s"): Promise<{ result: CliResult; database: string }> {
    const database = `shop_${++counter}`;
    await runSql(target, `create database ${database}`);
    const running = runCli(["migrate", "--source", source.uri("shop"), "--target", target.uri(database), "--retry-for", retryFor], { timeLimitMs: 60_000 });
    const [result] = await Promise.all([running, copyingBackend(where).then(happens)]);
    return { result, database };
  }

  async function expectLeftovers({ result, database }: { result: CliResult; database: string }, side: string, code: RegExp): Promise<void> {
    expectFailure(result, { exit: 3, says: [code, side, "public.slow", `${database} holds part of the migration`, "schema godwit"], secrets: [source.password, target.password] });
    await expectNoSessions(source, target);
    // What it says is there is there, and nothing pretends to be complete.
    expect(await runSql(target, "select count(*)::int as rows from slow", database)).toEqual([{ rows: 0 }]);
    await goesOn(database);
  }

  /** The same command once more. */
  async function goesOn(database: string): Promise<void> {
    const again = await runCli(["migrate", "--source", source.uri("shop"), "--target", target.uri(database)], { timeLimitMs: 60_000 });
    expect(again.code, again.text).toBe(0);
    expect(again.text).toMatch(/Goes on with task \w+ \(failed\)/);
    await expectAllRows(database);
  }

  async function expectAllRows(database: string): Promise<void> {
    expect(await runSql(target, "select count(*)::int as rows, min(length(body)) as least from slow", database)).toEqual([{ rows: 60, least: 1_000_000 }]);
  }

  it("the source's backend is killed, and with it its server", async () => {
    const ended = await interrupted(async () => process.kill(await copyingBackend(source), "SIGKILL"), source);
    await expectLeftovers(ended, "source postgres@", /connection-lost/);
  });

  it.runIf(THOROUGH)("an administrator ends the source's backend", async () => {
    const ended = await interrupted(async () => await runSql(source, `select pg_terminate_backend(${await copyingBackend(source)})`), source);
    await expectLeftovers(ended, "source postgres@", /connection-lost/);
  });

  it.runIf(THOROUGH)("the source restarts", async () => {
    const ended = await interrupted(async () => await source.restart("immediate"), source);
    await expectLeftovers(ended, "source postgres@", /connection-lost|server-starting/);
  });

  it("the target restarts, and what it had not yet put on its disk is gone", async () => {
    const { result, database } = await interrupted(async () => await target.restart("immediate"), target);
    const says = [/connection-lost|server-starting/, "target postgres@", "public.slow", /holds part of the migration|Nothing was left on the target/];
    expectFailure(result, { exit: 3, says, secrets: [source.password, target.password] });
    await expectNoSessions(source, target);
    // Nobody can say which of the last commits survive such an end; what the message says is what is there.
    const [there] = await runSql(target, "select count(*)::int as tables from pg_tables where schemaname in ('public', 'godwit')", database);
    expect(there?.["tables"] === 0).toBe(result.text.includes("Nothing was left"));
    await goesOn(database);
  });

  it.runIf(THOROUGH).each(["source", "target"] as const)("the %s restarts, and the migration tries again by itself until it is done", async (side) => {
    const server = side === "source" ? source : target;
    const { result, database } = await interrupted(async () => await server.restart("immediate"), server, "1m");
    expect(result.code, result.text).toBe(0);
    expect(result.text).toMatch(/tries again at \d\d:\d\d:\d\d UTC/);
    await expectAllRows(database);
  });
});
