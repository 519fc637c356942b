import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStore } from "../../../src/engine/store.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { emptyStateDirectory, newStateDirectory } from "../../kit/state-directory.ts";

const URIS = ["--source", "postgresql://app:hunter2@one/shop", "--target", "postgresql://app:hunter2@two/shop"];
const newKey = (): string => randomBytes(32).toString("base64");

async function draft(env: Readonly<Record<string, string>>): Promise<string> {
  const { code, stdout, text } = await runCli(["task", "create", "--draft", ...URIS, "--json"], { env });
  expect(code, text).toBe(0);
  return (JSON.parse(stdout) as { id: string }).id;
}

describe("tasks", () => {
  it("an unknown id, and a beginning of several", async () => {
    for (const command of ["show", "start", "pause", "logs", "delete"]) {
      expectFailure(await runCli(["task", command, "nobody"]), { exit: 2, says: ["task-unknown", "no task nobody", "godwit task list"] });
    }
    expectFailure(await runCli(["task", "set", "nobody", "--name", "x"]), { exit: 2, says: ["task-unknown"] });
    const GODWIT_DIR = newStateDirectory();
    const ids = new Set<string>();
    const beginnings = (): string[] => [...ids].map((id) => id[0]!);
    while (new Set(beginnings()).size === ids.size) ids.add(await draft({ GODWIT_DIR }));
    const shared = beginnings().find((letter, at) => beginnings().indexOf(letter) !== at)!;
    expectFailure(await runCli(["task", "show", shared], { env: { GODWIT_DIR } }), { exit: 2, says: [`several tasks begin with ${shared}`] });
  });

  it("an action that the state does not allow, with those that it does", async () => {
    const id = await draft({});
    expectFailure(await runCli(["task", "pause", id]), { exit: 3, says: ["action-refused", `task ${id} is draft`, "allowed: check, start, terminate"] });
    expectFailure(await runCli(["task", "delete", id]), { exit: 3, says: ["action-refused", "allowed: check, start, terminate"] });
  });

  it.each([
    [["task", "create", ...URIS, "--at", "tomorrow"], "A time is wanted"],
    [["task", "create", ...URIS, "--at", "2020-01-01T00:00Z"], "That moment is past"],
    [["task", "create", ...URIS, "--tag", "team"], "name=value"],
    [["task", "create", ...URIS, "--rate-limit", "fast"], "MB per second"],
    [["task", "create", ...URIS, "--retry-for", "12"], "A duration is wanted"],
    [["task", "create", "--target", "postgresql://two/shop"], "no source"],
    [["task", "list", "--state", "runing"], 'Did you mean "running"'],
    [["task", "set", "abc"], "nothing to set"],
    [["task", "logs", "abc", "--after", "x"], "number of a line"],
    [["task", "show"], "missing required argument"],
    [["task", "frobnicate"], "unknown command"],
    [["worker", "--keep-ended", "long"], "number of days"],
    [["task", "list", "--dir", "/a", "--store", "postgresql://b/c"], "name two stores"],
    [["task", "list", "--dir", ""], "--dir is empty"],
  ])("%j", async (args, says) => {
    expectFailure(await runCli(args), { exit: 2, says: ["usage", says], secrets: ["hunter2"] });
    const json = await runCli([...args, "--json"]);
    expect(json.stdout.trim().split("\n").map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["error"]); // prettier-ignore
  });
});

describe("the store", () => {
  it("a key other than the one that passwords were sealed with", async () => {
    const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
    const GODWIT_DIR = newStateDirectory();
    const uris = ["--source", source.uri, "--target", target.uri];
    expect((await runCli(["task", "create", ...uris, "--name", "sealed"], { env: { GODWIT_DIR } })).code).toBe(0);
    const GODWIT_KEY = newKey();
    const other = await createDatabase(TEST_MAJORS.at(-1)!);
    // Its worker takes the sealed task too, and says in it why it cannot do it.
    expect((await runCli(["migrate", "--source", source.uri, "--target", other.uri], { env: { GODWIT_DIR, GODWIT_KEY } })).code).toBe(0);
    const { stdout } = await runCli(["task", "list", "--state", "failed", "--json"], { env: { GODWIT_DIR } });
    expect(JSON.parse(stdout)).toMatchObject({ name: "sealed", error: { code: "secret-key-wrong" } });
    expectFailure(await runCli(["task", "list"], { env: { GODWIT_DIR, GODWIT_KEY: "short" } }), {
      exit: 3,
      says: ["secret-key-wrong", "GODWIT_KEY is not the base64 of 32 bytes"],
    });
  });

  it("a directory that is not a store, or may not be one", async () => {
    const directory = emptyStateDirectory();
    await mkdir(join(directory, "store"));
    await writeFile(join(directory, "store", "notes.txt"), "mine");
    for (const command of [["task", "list"], ["worker"], ["migrate", ...URIS]])
      expectFailure(await runCli([...command, "--dir", directory]), { exit: 3, says: ["store-foreign", directory, "--dir"], secrets: ["hunter2"] });
    await rm(join(directory, "store"), { recursive: true });
    await writeFile(join(directory, "PG_VERSION"), "18");
    expectFailure(await runCli(["task", "list", "--dir", directory]), { exit: 3, says: ["store-foreign", "is the data directory of a PostgreSQL server"] });
    expectFailure(await runCli(["task", "list", "--dir", "/proc/here"]), { exit: 3, says: ["store-unusable", "/proc/here"] });
  });

  it("a store of a newer version", async () => {
    const GODWIT_DIR = newStateDirectory();
    await draft({ GODWIT_DIR });
    {
      await using store = await openStore({ dir: GODWIT_DIR });
      await store.pool.query("insert into godwit.migrations (version, name) values (4711, 'from the future')");
    }
    for (const command of [["task", "list"], ["worker"], ["migrate", ...URIS]])
      expectFailure(await runCli(command, { env: { GODWIT_DIR } }), { exit: 4, says: ["store-newer", "is at version 4711"], secrets: ["hunter2"] });
  });

  it("two commands at once on one directory, new to both, share one store", async () => {
    const env = { GODWIT_DIR: emptyStateDirectory() };
    const ids = await Promise.all([draft(env), draft(env), draft(env)]);
    const { stdout } = await runCli(["task", "list", "--json"], { env });
    expect(stdout.trim().split("\n").map((line) => (JSON.parse(line) as { id: string }).id).toSorted()).toEqual(ids.toSorted()); // prettier-ignore
  });
});

describe("--store", () => {
  const at = (database: TestDatabase): string[] => ["--store", database.uri];

  it("keeps tasks in a database, for whoever has its key", async () => {
    const database = await createDatabase(TEST_MAJORS.at(-1)!);
    const env = { GODWIT_KEY: newKey() };
    const created = await runCli(["task", "create", "--draft", ...URIS, ...at(database), "--json"], { env });
    expect(created.code, created.text).toBe(0);
    const { id } = JSON.parse(created.stdout) as { id: string };
    expect((await runCli(["task", "show", id], { env: { ...env, GODWIT_STORE: database.uri } })).stdout).toContain("draft");
  });

  it("needs a key, a URI, and a server that lets us in", async () => {
    const database = await createDatabase(TEST_MAJORS.at(-1)!);
    expectFailure(await runCli(["task", "list", ...at(database)]), { exit: 3, says: ["secret-key-wrong", "needs GODWIT_KEY", "openssl rand"] });
    const env = { GODWIT_KEY: newKey() };
    expectFailure(await runCli(["task", "list", "--store", "not a uri:sesame@x"], { env }), { exit: 2, says: ["uri-invalid", "--store"], secrets: ["sesame"] });
    const wrong = new URL(database.uri);
    wrong.password = "sesame";
    expectFailure(await runCli(["task", "list", "--store", wrong.toString()], { env }), { exit: 3, says: ["password-wrong", "store postgres@"], secrets: ["sesame"] });
    expectFailure(await runCli(["task", "list", "--store", "postgresql://postgres@127.0.0.1:1/x"], { env }), { exit: 3, says: ["connection-refused"] });
  });
});
