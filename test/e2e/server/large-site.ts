import { spawnCli } from "../../kit/spawn-cli.ts";
import { openTasks } from "../../../src/task/open-tasks.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { taskOptions } from "../../kit/checks.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

export const TASKS = 1000;
export const TABLES = 20_000;
export const PERSON = { name: "ada", password: "a long password" };

/** A store with many tasks, one of them of many tables, and `godwit serve` in a process of its own. */
export interface LargeSite extends AsyncDisposable {
  readonly url: string;
  /** Of a viewer's token. */
  readonly headers: Readonly<Record<string, string>>;
  /** The id of the task of many tables. */
  readonly large: string;
  readonly serverPid: number;
}

export async function openLargeSite(): Promise<LargeSite> {
  const dir = newStateDirectory();
  const large = await fillStore(dir);
  const server = spawnCli(["serve", "--dir", dir, "--listen", "127.0.0.1:0", "--json", "--no-worker"], {});
  await server.saw("setupUrl");
  const setup = new URL((/"setupUrl":"([^"]+)"/.exec(server.output().stdout) ?? [])[1] ?? "");
  const url = setup.origin;
  const post = async (path: string, body: object, more: Record<string, string> = {}): Promise<Response> =>
    await fetch(url + path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...more } });
  const session = await post("/api/setup", { token: setup.searchParams.get("token"), ...PERSON });
  const cookie = (session.headers.get("set-cookie") ?? "").split(";")[0]!;
  const made = await post("/api/tokens", { name: "scale", role: "viewer" }, { cookie, "x-csrf-token": ((await session.json()) as { csrfToken: string }).csrfToken });
  return {
    url,
    large,
    headers: { authorization: `Bearer ${((await made.json()) as { token: string }).token}` },
    serverPid: server.process.pid!,
    async [Symbol.asyncDispose]() {
      server.process.kill("SIGTERM");
      await server.finished;
    },
  };
}

async function fillStore(dir: string): Promise<string> {
  await using opened = await openTasks({ store: { dir } });
  const options = taskOptions(parseEndpoint("source", "postgresql://a@old/shop"), parseEndpoint("target", "postgresql://a@new/shop"));
  const ids: string[] = [];
  for (let at = 0; at < TASKS; at++) {
    const { id } = await opened.tasks.create({ name: `task ${at}`, options, tags: { team: `t${at % 7}` } });
    await opened.tasks.log(id, "info", "made");
    ids.push(id);
  }
  const large = ids[0]!;
  await opened.tasks.planTables(
    large,
    "shop",
    Array.from({ length: TABLES }, (_, at) => ({ name: `public.t${at}`, size: (at * 7919) % 1_000_003, isCopied: at % 3 === 0 })),
  );
  await opened.queries.query("insert into godwit.task_log (task_id, level, message) select $1, 'debug', 'made table ' || i from generate_series(1, 60000) i", [large]);
  await opened.queries.query("vacuum analyze godwit.task, godwit.task_log, godwit.task_table", []);
  return large;
}
