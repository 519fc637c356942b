import { afterAll, beforeAll, expect, it } from "vitest";
import { type CliResult, jsonLines, runCli } from "../../kit/spawn-cli.ts";
import { freePort } from "../../../src/embedded/server.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

let server: TestServer;
let operator: Record<string, string>;
let viewer: Record<string, string>;

beforeAll(async () => {
  server = await startServe({ directory: newStateDirectory() });
  const admin = await server.logIn();
  const token = async (role: "viewer" | "operator"): Promise<Record<string, string>> => ({
    GODWIT_SERVER: server.url,
    GODWIT_TOKEN: (await admin.call("createToken", { body: { name: role, role } })).token,
  });
  [operator, viewer] = [await token("operator"), await token("viewer")];
});
afterAll(async () => await server.stop());

const task = async (environment: Record<string, string>, ...args: string[]): Promise<CliResult> => await runCli(["task", ...args], environment);

it("commands about tasks ask a server in the same words", async () => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query("create table a (id int primary key); insert into a select generate_series(1, 100)");
  const made = await task(
    operator,
    "create",
    "--source",
    source.uri,
    "--target",
    target.uri,
    "--name",
    "by token",
    "--tag",
    "team=shop",
    "--draft",
    "--accept",
    "parameter-conflict",
    "--include",
    "table=public.a",
    "--json",
  );
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const [draft] = jsonLines(made.stdout) as [{ id: string; state: string; options: object; accepted: object[] }];
  expect(draft).toMatchObject({
    event: "task",
    state: "draft",
    name: "by token",
    options: { type: "full", include: [{ kind: "table", pattern: "public.a" }] },
    accepted: [{ check: "parameter-conflict", by: "token operator" }],
  });
  expect((await task(operator, "set", draft.id, "--concurrency", "2", "--rate-limit", "none")).stdout).toContain("2 lanes");
  const started = await task(operator, "start", draft.id.slice(0, 6), "--wait");
  expect(started).toMatchObject({ code: 0 });
  expect(started.stdout).toMatch(/succeeded[^]*1 table, 100 rows/);
  expect((await task(viewer, "list", "--tag", "team=shop")).stdout).toMatch(new RegExp(`${draft.id} +succeeded.*by token`));
  expect((await task(viewer, "logs", draft.id)).stdout).toContain("copied public.a: 100 rows");
  expect(await task(viewer, "delete", draft.id)).toMatchObject({ code: 2, stderr: expect.stringContaining("role-missing") });
  expect(await task(viewer, "pause", draft.id.slice(0, 9))).toMatchObject({ code: 2 });
  expect(await task(operator, "pause", draft.id)).toMatchObject({ code: 3, stderr: expect.stringContaining("action-refused") });
  expect((await task(operator, "delete", draft.id)).stdout).toContain("(by token) is deleted");
  expect(await task(viewer, "show", draft.id)).toMatchObject({ code: 2, stderr: expect.stringContaining("task-unknown") });
});

it("says what is wrong with a server or a token", async () => {
  expect(await task({ ...viewer, GODWIT_TOKEN: "godwit_wrong" }, "list")).toMatchObject({ code: 2, stderr: expect.stringContaining("login-required") });
  expect(await task({ GODWIT_SERVER: server.url }, "list")).toMatchObject({ code: 2, stderr: expect.stringContaining("--token, or GODWIT_TOKEN") });
  expect(await task({ ...viewer, GODWIT_SERVER: `http://127.0.0.1:${await freePort()}` }, "list")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("connection-refused"),
  });
  expect(await task({ ...viewer, GODWIT_SERVER: `${server.url}/docs/static` }, "list")).toMatchObject({ code: 2 });
  expect(await task(viewer, "list", "--server", server.url, "--dir", "/tmp/x")).toMatchObject({ code: 2, stderr: expect.stringContaining("two places") });
});
