import type { CopyTable } from "../copy/chunk.ts";
import { copyInSql, copyOutSql } from "../copy/copy-chunk.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { relayCopy } from "../wire/copy-relay.ts";
import type { Session } from "../wire/session.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Copies unlogged tables again: their rows are in no WAL, so the stream holds nothing of them. All in one transaction of the target, with one TRUNCATE, as only unlogged tables can refer to
 * unlogged ones by foreign keys (https://www.postgresql.org/docs/current/sql-truncate.html: all that refer must be named). Idempotent. Both sessions are idle before and after.
 * `bypassesTriggers`: what `mayBypassTriggers` found; else it comes before triggers and foreign keys are there.
 *
 * A partition whose rows are routed through its root on the target (`into` is another table) stays as it was copied: its rows lie among those of others. It is told.
 */
export async function copyUnloggedTables(source: Session, target: Session, tables: readonly CopyTable[], bypassesTriggers: boolean, signal: AbortSignal): Promise<StepResult> {
  const whole = tables.filter(({ from, into }) => from === into).map((table) => ({ ...table, freeze: false }));
  const notes = tables
    .filter(({ from, into }) => from !== into)
    .map(({ display }) => `unlogged table ${display} has the rows of the copy: they are spread over other partitions on the target`);
  if (whole.length === 0) return { aligned: [], notes };
  const job = {
    sourceSql: whole.map((table) => copyOutSql(table, "")).join("; "),
    targetSql: [
      "begin isolation level read committed read write",
      ...(bypassesTriggers ? ["set local session_replication_role = replica"] : []),
      `truncate ${whole.map(({ into }) => `only ${into}`).join(", ")}`,
      ...whole.flatMap((table) => copyInSql(table, true)),
      "commit",
    ].join("; "),
    objects: whole.map(({ display }) => display),
  };
  await source.query("begin isolation level repeatable read read only");
  try {
    const { readRows, copiedRows } = await relayCopy(source, target, job, { bytes: 0, rows: 0 }, signal);
    for (const [at, table] of whole.entries()) {
      if (readRows[at] !== copiedRows[at])
        throw new GodwitError("internal", `${table.display}: ${readRows[at]} rows were read and ${copiedRows[at]} written`, { object: table.display });
    }
    return { aligned: whole.map(({ display }, at) => ({ object: `unlogged table ${display}`, to: `${copiedRows[at]} rows` })), notes };
  } catch (error) {
    if (!target.socket.destroyed) await target.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    if (!source.socket.destroyed) await source.query("rollback").catch(() => undefined);
  }
}
