import { execFile } from "node:child_process";
import { chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, type TestContext } from "vitest";
import { serverIdentity } from "../../../src/embedded/binaries.ts";
import { startServer } from "../../../src/embedded/server.ts";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { expectNoSessions, runSql } from "./own-server.ts";

const run = promisify(execFile);

/** A file system of a few megabytes, or nothing where mounting is not allowed: the test is then skipped. */
async function mountSmall(megabytes: number, { skip }: Pick<TestContext, "skip">): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "godwit-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", path]);
  } catch {
    await rm(path, { recursive: true });
    skip("mounting a small file system needs root and CAP_SYS_ADMIN");
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [path]);
      await rm(path, { recursive: true });
    },
  };
}

/** About 50 MB that do not compress. */
const LARGE = "create table large as select n, (select string_agg(md5(random()::text || n || m), '') from generate_series(1, 40) m) as body from generate_series(1, 40000) n";

it("a full disk below the tables is told as such; the server and its other databases live on", async (context) => {
  await using disk = await mountSmall(32, context);
  const source = await createDatabase(TEST_MAJORS[0]!);
  await source.query(LARGE);
  await using target = await startServer({ major: TEST_MAJORS.at(-1)! });
  const place = join(disk.path, "tables");
  await mkdir(place);
  const identity = serverIdentity();
  if (identity !== undefined) await chown(place, identity.uid, identity.gid);
  await runSql(target, `create tablespace small location '${place}'`);
  await runSql(target, "create database full_soon tablespace small");
  const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri("full_soon")], { timeLimitMs: 90_000 });
  expectFailure(result, {
    exit: 3,
    says: [
      "disk-full",
      "target postgres@",
      "writing public.large",
      "(SQLSTATE 53100)",
      "full_soon holds part of the migration (schema godwit, table public.large)",
      "the next try goes on from there",
    ],
    secrets: [target.password],
  });
  await expectNoSessions(target);
  await runSql(target, "drop database full_soon");
  await runSql(target, "drop tablespace small");
});

it("a full disk below the WAL ends the server: that its connection broke, and where to look, is all that can be told", async (context) => {
  await using disk = await mountSmall(90, context);
  const source = await createDatabase(TEST_MAJORS[0]!);
  await source.query(LARGE);
  await using target = await startServer({ major: TEST_MAJORS.at(-1)!, directory: join(disk.path, "server"), settings: { max_wal_size: "64MB", min_wal_size: "32MB" } });
  await runSql(target, "create database small");
  const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri("small"), "--retry-for", "0s"], {
    timeLimitMs: 90_000,
    // It would have told.
    env: { GODWIT_SKIP_CHECKS: "target-space" },
  });
  expectFailure(result, {
    exit: 3,
    says: [/disk-full|connection-lost|server-starting/, "target postgres@", /holds part of the migration|a full disk/],
    secrets: [target.password],
  });
  expect(result.text).toContain("the next try");
});
