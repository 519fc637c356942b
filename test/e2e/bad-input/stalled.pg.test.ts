import { expect, it } from "vitest";
import { spawnCli } from "../../kit/spawn-cli.ts";
import { createDatabase, serverUri } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { openStallingProxy } from "../../kit/stalling-proxy.ts";
import { SLOW_TABLE } from "./own-server.ts";

/** What a person who pressed Ctrl-C may be kept waiting: the connections, what the target holds, and a moment for this machine. */
const PATIENCE_MS = 25_000;

it.each(["source", "target"] as const)("Ctrl-C while the network to the %s is stalled ends the run, and says how it goes on", async (side) => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query(SLOW_TABLE);
  const victim = side === "source" ? source : target;
  await using proxy = await openStallingProxy(Number(new URL(serverUri(victim.major)).port));
  const uris = { source: source.uri, target: target.uri, [side]: proxy.through(victim.uri) };
  const cli = spawnCli(["migrate", "--yes", "--source", uris.source, "--target", uris.target]);
  await cli.saw("copy");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  proxy.stall();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const since = performance.now();
  cli.process.kill("SIGINT");
  const { code, stderr } = await cli.finished;
  expect(performance.now() - since).toBeLessThan(PATIENCE_MS);
  expect(code).toBe(130);
  expect(stderr.replaceAll(/\n\s*/g, " ")).toMatch(/Run the same command again to go on with task \w+/);
});
