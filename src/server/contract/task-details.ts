import { z } from "zod";
import { TASK_ACTIONS } from "../../task/states.ts";
import { describedError } from "./error.ts";
import { moment } from "./moment.ts";

const seen = z.string().max(100).optional().meta({ description: "The task's `configuration` as the operator saw it: where it is another one by now, the request is refused." });
/** What an operator asks a task to do. */
export const actionBody = z.strictObject({ action: z.enum(TASK_ACTIONS.filter((action) => action !== "delete")), configuration: seen });

/** Many tasks at once. */
export const bulkBody = z.strictObject({ ids: z.array(z.string().max(100)).min(1).max(500), action: z.enum(TASK_ACTIONS) });
export const bulkAnswer = z.object({ results: z.array(z.object({ id: z.string(), error: describedError.nullable() })) });

/** Checks whose alarms are accepted for one task. */
export const acceptBody = z.strictObject({ checks: z.array(z.string().max(100)).min(1).max(100), configuration: seen });

/** One check in one scope. */
export const checkItem = z
  .object({
    id: z.string(),
    scope: z.string(),
    title: z.string(),
    result: z.enum(["passed", "alarm", "failed"]),
    evidence: z.array(z.string()),
    why: z.string(),
    fix: z.string(),
    fixSql: z.string().optional(),
    fixOn: z.object({ side: z.enum(["source", "target"]), database: z.string() }).optional(),
    docs: z.string(),
    about: z.string().meta({ description: "What the check looks for, and when it fails or alarms." }),
  })
  .meta({ id: "CheckItem" });

export const taskChecks = z.object({
  checkedAt: moment.nullable().meta({ description: "When these checks began; null: none has run." }),
  isRunning: z.boolean(),
  items: z.array(checkItem),
});

/** Runs the SQL of check items after an operator has read it. */
export const fixBody = z.strictObject({
  fixes: z
    .array(z.strictObject({ id: z.string().max(100), scope: z.string().max(1000), sql: z.string().max(1_000_000) }))
    .min(1)
    .max(50)
    .meta({ description: "Items of the newest results, each with its `fixSql` as it was read: where that is another one by now, nothing is run." }),
  sourceAdmin: z.string().max(100_000).optional().meta({ description: "The account that runs it at the source, as a URI; default: that of the task." }),
  targetAdmin: z.string().max(100_000).optional(),
});
export const fixAnswer = z.object({ done: z.array(z.object({ id: z.string(), scope: z.string(), at: z.string(), sql: z.string() })) });

const paging = { limit: z.coerce.number().int().min(1).max(1000).default(100), offset: z.coerce.number().int().min(0).max(10_000_000).default(0) };

export const tableListQuery = z.object({
  ...paging,
  search: z.string().max(200).optional(),
  state: z.enum(["waiting", "copied"]).optional(),
  sort: z.enum(["name", "-name", "size", "-size", "rows", "-rows", "seconds", "-seconds"]).default("-size"),
});

/** Tables of a task that move data. */
export const tableList = z.object({
  total: z.number(),
  tables: z.array(
    z.object({
      database: z.string(),
      table: z.string(),
      size: z.number().meta({ description: "Heap and TOAST at the source when it was planned, in bytes." }),
      isCopied: z.boolean(),
      rows: z.number().nullable(),
      bytes: z.number().nullable().meta({ description: "Relayed, in COPY's format." }),
      seconds: z.number().nullable(),
    }),
  ),
});

export const logQuery = z.object({
  after: z.string().regex(/^\d{1,18}$/).optional().meta({ description: "Only lines behind this one, oldest first." }), // prettier-ignore
  before: z.string().regex(/^\d{1,18}$/).optional().meta({ description: "Only lines before this one; the newest of them, oldest first." }), // prettier-ignore
  level: z.enum(["debug", "info", "warning", "error"]).default("info").meta({ description: "This level and what is graver." }),
  search: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export const logLine = z.object({ line: z.string(), at: moment, level: z.enum(["debug", "info", "warning", "error"]), message: z.string() }).meta({ id: "LogLine" });
export const logList = z.object({ lines: z.array(logLine) });

export const historyQuery = z.object({ minutes: z.coerce.number().int().min(1).max(1440).default(30) });

/** The figures over time: of at most 300 moments, evenly spread. */
export const taskHistory = z.object({
  samples: z.array(
    z.object({
      at: moment,
      bytesPerSecond: z.number(),
      rowsPerSecond: z.number(),
      lagBytes: z.number().nullable(),
      lagSeconds: z.number().nullable(),
    }),
  ),
});

export const changesQuery = z.object({
  ...paging,
  search: z.string().max(200).optional(),
  sort: z
    .enum(["name", "-name", "insert", "-insert", "update", "-update", "delete", "-delete", "truncate", "-truncate", "skipped", "-skipped"])
    .default("name")
    .meta({ description: "By the name, or by what was applied or skipped; tables of several databases come one database behind the other." }),
  conflicts: z.coerce.number().int().min(0).max(1000).default(100),
});

/** full+incremental: what came of the changes since the copy. */
export const taskChanges = z.object({
  databases: z.array(
    z.object({
      database: z.string(),
      total: z.number().meta({ description: "Its tables that fit, on whatever page they are." }),
      tables: z
        .array(z.record(z.string(), z.unknown()))
        .meta({ description: "Counters per table of the page: received, applied and skipped inserts, updates, deletes, truncates." }),
      conflicts: z.array(z.record(z.string(), z.unknown())).meta({ description: "Changes that met another row than the source had, the newest first." }),
    }),
  ),
});

/** A comparison of both sides. */
export const verification = z
  .object({
    id: z.string(),
    state: z.enum(["waiting", "running", "equal", "different", "failed", "cancelled"]),
    startedBy: z.string(),
    createdAt: moment,
    startedAt: moment.nullable(),
    endedAt: moment.nullable(),
    doneTables: z.number(),
    totalTables: z.number(),
    rows: z.number().nullable(),
    differences: z.number(),
    error: describedError.nullable(),
  })
  .meta({ id: "Verification" });
export const verificationList = z.object({ verifications: z.array(verification) });
export const verificationId = z.object({ id: z.string().regex(/^[0-9a-f]{10}$/), verification: z.string().regex(/^[0-9a-f]{10}$/) });
export const verificationDetail = verification.extend({
  found: z
    .array(z.object({ database: z.string(), table: z.string(), reason: z.string(), keys: z.array(z.string()) }))
    .meta({ description: "Tables that differ, with keys of rows." }),
});

export const deleteAnswer = z.object({ id: z.string() });

export type TaskChecks = z.infer<typeof taskChecks>;
export type Item = z.infer<typeof checkItem>;
export type Verification = z.infer<typeof verification>;
export type VerificationDetail = z.infer<typeof verificationDetail>;
export type TableList = z.infer<typeof tableList>;
export type TableListQuery = z.infer<typeof tableListQuery>;
export type ChangesQuery = z.infer<typeof changesQuery>;
export type ShownLogLine = z.infer<typeof logLine>;
