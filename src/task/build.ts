import type { Ledger } from "../copy/ledger.ts";
import { fromServer } from "../errors/from-server.ts";
import type { BuildJob } from "../structure/post-data.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";

/**
 * Runs a job's statements and its note in one transaction (one message). When a group fails, its members run one by one, to name the culprit.
 * Parallel workers are only worth their overhead when other lanes have nothing to do (`mayUseWorkers`):
 * https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-MAX-PARALLEL-MAINTENANCE-WORKERS
 */
export async function runBuild(target: Session, job: BuildJob, ledger: Ledger, mayUseWorkers: boolean): Promise<void> {
  const note = ledger.noteSql(buildNote(job));
  const workers = target.versionNum < 110000 ? "" : mayUseWorkers ? "reset max_parallel_maintenance_workers; " : "set max_parallel_maintenance_workers = 0; ";
  try {
    await target.client.query(`${workers}begin; ${note}; ${job.statements.join("\n")} commit`);
  } catch (error) {
    await target.client.query("rollback").catch(() => undefined);
    if (job.statements.length === 1 || target.socket.destroyed || sqlState(error) === QUERY_CANCELED) throw named(target, job.objects[0] ?? "", ledger.explain(error));
    await target.client.query(`begin; ${note}`).catch((cause: unknown) => {
      throw named(target, job.objects[0] ?? "", ledger.explain(cause));
    });
    for (const [at, statement] of job.statements.entries()) {
      await target.client.query(statement).catch((cause: unknown) => {
        throw named(target, job.objects[at] ?? "", cause);
      });
    }
    await target.client.query("commit");
  }
}

/** How a job is noted in the ledger: by the first of its objects, which is in no other job. */
export function buildNote(job: BuildJob): string {
  return `build ${job.objects[0]}`;
}

/** Who cancels does not want the rest either. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const QUERY_CANCELED = "57014";

function sqlState(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function named(target: Session, object: string, error: unknown): Error {
  return fromServer(error, {
    server: describeEndpoint(target.endpoint),
    doing: `building ${object}`,
    object,
    otherwise: target.socket.destroyed ? "connection-lost" : "structure-failed",
  });
}
