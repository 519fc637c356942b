import { join } from "node:path";
import { helpOf, versionOf } from "./installed.ts";
import type { SkippedTool, Tool } from "./tool.ts";

/** https://pgcopydb.readthedocs.io/en/latest/ref/pgcopydb_clone.html. `splitLargerThan` (as "200MB") copies one table by several jobs. */
export async function pgcopydb(splitLargerThan: string | undefined): Promise<Tool | SkippedTool> {
  const name = "pgcopydb";
  const version = (await versionOf(name, "--version"))?.split("\n")[0];
  if (version === undefined) return { name, skipped: "pgcopydb is not on the PATH (Debian and Ubuntu: apt-get install pgcopydb)" };
  const canSkipVacuum = (await helpOf(name, "clone", "--help")).includes("--skip-vacuum");
  const remarks = [canSkipVacuum ? "pgcopydb runs with --skip-vacuum" : "this pgcopydb cannot leave VACUUM ANALYZE out of its clone: its time includes it"];
  return {
    name,
    version,
    remarks,
    commands(run) {
      const jobs = String(run.jobs);
      return [
        {
          label: "clone",
          program: name,
          args: [
            "clone", "--table-jobs", jobs, "--index-jobs", jobs, "--dir", join(run.directory, "pgcopydb"),
            ...(splitLargerThan === undefined ? [] : ["--split-tables-larger-than", splitLargerThan]),
            ...(canSkipVacuum && !run.analyze ? ["--skip-vacuum"] : []),
          ], // prettier-ignore
          environment: { PGCOPYDB_SOURCE_PGURI: run.source.uri(run.database), PGCOPYDB_TARGET_PGURI: run.target.uri(run.database) },
        },
      ];
    },
  };
}
