import { z } from "zod";
import { OBJECT_KINDS } from "../../plan/object-pattern.ts";
import { PING_STEPS } from "../../precheck/ping.ts";
import { endpoint } from "./endpoint.ts";

/** A connectivity test of one server. `task`: where this endpoint gives no secret, that task's are used, for the same host, port and user. */
export const pingBody = z.strictObject({ side: z.enum(["source", "target"]), endpoint, secretsOf: z.string().max(100).optional() });

export const pingAnswer = z.object({
  isReachable: z.boolean(),
  steps: z.array(
    z.object({
      step: z.enum(PING_STEPS),
      result: z.enum(["passed", "skipped", "alarm", "failed"]),
      milliseconds: z.number(),
      detail: z.string(),
      code: z.string().optional(),
      advice: z.string().optional(),
    }),
  ),
});

/** One level of the tree of a server's objects: its databases; a database's schemas; or a schema's objects, page by page. */
export const objectsBody = z.strictObject({
  endpoint,
  secretsOf: z.string().max(100).optional(),
  database: z.string().max(200).optional().meta({ description: "Its schemas; left out: the databases of the server." }),
  schema: z.string().max(200).optional().meta({ description: "The objects of this schema." }),
  kind: z.enum(["table", "view", "materialized-view", "sequence", "type", "function"]).optional(),
  search: z.string().max(200).optional().meta({ description: "Part of the name; without a schema, over all schemas." }),
  after: z.string().max(1000).optional().meta({ description: "The `next` of the page before." }),
  limit: z.int().min(1).max(1000).default(200),
});

export const objectNode = z.object({
  kind: z.enum(OBJECT_KINDS),
  schema: z.string().nullable(),
  name: z.string(),
  pattern: z.string().meta({ description: "As include and exclude name exactly this one." }),
  size: z.number().nullable().meta({ description: "Bytes, where it holds data." }),
  children: z.number().nullable().meta({ description: "How many objects are below it, where that is known." }),
});

export const objectsAnswer = z.object({ nodes: z.array(objectNode), next: z.string().nullable() });

/** What a selection needs besides: objects that selected ones depend on. */
export const correlatedBody = z.strictObject({
  source: endpoint,
  secretsOf: z.string().max(100).optional(),
  include: z.record(z.string(), z.array(z.string().max(2000))),
  exclude: z.record(z.string(), z.array(z.string().max(2000))).optional(),
});
export const correlatedAnswer = z.object({
  missing: z.array(z.object({ object: z.string(), neededBy: z.string(), pattern: z.object({ kind: z.enum(OBJECT_KINDS), pattern: z.string() }) })),
});

export type PingAnswer = z.infer<typeof pingAnswer>;
export type ObjectsAnswer = z.infer<typeof objectsAnswer>;
export type ObjectNode = z.infer<typeof objectNode>;
