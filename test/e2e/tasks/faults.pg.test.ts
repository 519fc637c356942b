import { describe, expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { act } from "../../../src/task/task-actions.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";
import { databaseOf } from "./database-of.ts";
import { dieAt, median } from "./failpoints.ts";
import { storeDies, unruly } from "./faults.ts";
import { copied, create, expectEqual, newest, reaches, slowPair, taskSite, worker } from "./task-site.ts";

const site = taskSite();
const middle = TEST_MAJORS[1] ?? newest;

// They break things at moments that nobody chooses, on machines that others use too: once more before it counts.
describe("a task", { retry: 1 }, () => {
  it("goes on when a worker dies at some of the edges; npm run test:long tries them all", async () => {
    const seconds = [await dieAt(site, "chunk committed", 3), await dieAt(site, "ledger dropped", 1)];
    console.log(`from kill -9 to progress: median ${median(seconds).toFixed(2)} s`);
  });

  it("does not notice much when the store's server is killed", async () => {
    await storeDies(site);
  });

  it.runIf(THOROUGH)("comes through a network that breaks; npm run test:long has it for a minute", async () => {
    expect(await unruly(site, 8)).toBeGreaterThan(1);
  });

  it.each([["source", "fast"], ["target", "immediate"], ...(THOROUGH ? ([["target", "fast"]] as const) : [])] as const)("goes on when the %s restarts (%s)", async (side, mode) => {
    await using stack = new AsyncDisposableStack();
    const servers = { source: stack.use(await startServer({ major: middle })), target: stack.use(await startServer({ major: newest })) };
    const databases = await slowPair({ source: databaseOf(servers.source), target: databaseOf(servers.target) });
    const { id } = await create(site, databases);
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await copied(databases.target, 2);
    await servers[side].restart(mode);
    expect(await reaches(site, id, "succeeded", "failed")).toMatchObject({ state: "succeeded", run: 1 });
    await expectEqual(databases);
  });
});
