import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { asAccount, createAccount, itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";

const major = TEST_MAJORS.at(-1)!;
const MB = 1024 ** 2;

/** A small file system in memory, which only root can make. */
function mountSmall(megabytes: number): (Disposable & { readonly directory: string }) | undefined {
  const directory = mkdtempSync(join(tmpdir(), "godwit-small-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "tmpfs", directory], { stdio: "ignore" });
  } catch {
    rmdirSync(directory);
    return undefined;
  }
  return {
    directory,
    [Symbol.dispose]: () => {
      execFileSync("umount", ["-l", directory]);
      rmdirSync(directory);
    },
  };
}

it("tells how much room is needed, and how much there is where that is known", async () => {
  await createAccount(major, "space_writer");
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query("create table filled as select n, repeat('x', 1000) as text from generate_series(1, 5000) n");
  expect(await itemsOf("target-space", source.endpoint("source"), asAccount(target, "target", "space_writer"))).toMatchObject([
    { result: "passed", evidence: [expect.stringMatching(/^about [78] MB needed; SQL does not reveal how much is free$/)] },
  ]);
  expect(await itemsOf("target-space", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "passed", evidence: [expect.stringMatching(/^about [78] MB needed; (SQL does not reveal how much is free|[\d.]+ [MG]B are free in \/.*)$/)] },
  ]);
  expect(await itemsOf("target-space", source.endpoint("source"), target.endpoint("target"), { type: "structure" })).toMatchObject([{ result: "passed" }]);
});

it("raises an alarm for a small disk, and fails for one that cannot be enough", async ({ skip }) => {
  using small = mountSmall(400);
  skip(small === undefined, "only root may mount a file system");
  const { directory } = small!;
  await using target = await startServer({ major, directory: join(directory, "server") });
  const source = await createDatabase(major);
  await source.query("create table filled as select n, repeat('x', 1000) as text from generate_series(1, 20000) n"); // 23 MB
  const end = parseEndpoint("target", target.uri());
  const filler = join(directory, "filler");
  const leave = (bytes: number): void => {
    rmSync(filler, { force: true });
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - bytes));
  };
  const items = async () => await itemsOf("target-space", source.endpoint("source"), end);
  leave(20 * MB);
  expect(await items()).toMatchObject([{ result: "alarm", evidence: [expect.stringMatching(/^about 2\d MB needed, 20 MB free in \/.*\/server\/data$/)] }]);
  leave(MB);
  expect(await items()).toMatchObject([{ result: "failed" }]);
  expect(await itemsOf("target-space", source.endpoint("source"), end, { type: "structure" })).toMatchObject([{ result: "passed" }]);
  leave(40 * MB);
  expect(await items()).toMatchObject([{ result: "passed", evidence: [expect.stringMatching(/ 40 MB are free in \//)] }]);
});
