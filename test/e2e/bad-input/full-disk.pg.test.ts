import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { expectNoSessions, runSql } from "./own-server.ts";

const run = promisify(execFile);

it("a full disk of the target ends the migration with a message, and the server lives on", async ({ skip }) => {
  const disk = await mkdtemp(join(tmpdir(), "godwit-disk-"));
  const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs", disk]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    await rm(disk, { recursive: true });
    skip("mounting a small file system needs root and CAP_SYS_ADMIN");
  }
  try {
    const source = await createDatabase(TEST_MAJORS[0]!);
    // Incompressible, so that it is as large on the target's disk as it is here.
    await source.query(
      "create table large as select n, (select string_agg(md5(random()::text || n || m), '') from generate_series(1, 40) m) as body from generate_series(1, 100000) n",
    );
    await using target = await startServer({ major: TEST_MAJORS.at(-1)!, directory: join(disk, "server"), settings: { max_wal_size: "64MB", min_wal_size: "32MB" } });
    await runSql(target, "create database small");
    const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri("small")], { timeLimitMs: 90_000 });
    expectFailure(result, {
      exit: 3,
      says: [/disk-full|connection-lost|server-starting/, "target postgres@", /holds part of the migration|could not be asked/],
      secrets: [target.password],
    });
    expect(result.text).toContain("disk-full");
    await expectNoSessions(target);
  } finally {
    await run("umount", [disk]);
    await rm(disk, { recursive: true });
  }
});
