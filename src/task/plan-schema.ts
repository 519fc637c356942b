import { z } from "zod";
import { MIGRATION_TYPES } from "../plan/migration-type.ts";
import { OBJECT_KINDS } from "../plan/object-pattern.ts";
import { CONFLICT_POLICIES } from "../stream/conflict-policy.ts";
import { SESSION_ATTRIBUTES } from "../wire/endpoint.ts";

const endpointParameters = z
  .strictObject({
    host: z.string().optional(),
    port: z.int().min(1).max(65535).optional(),
    user: z.string().optional(),
    password: z.string().optional().meta({ description: "Better a reference: ${SHOP_PASSWORD}, or ~/.pgpass." }),
    dbname: z.string().optional(),
    sslmode: z.enum(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]).optional(),
    sslrootcert: z.string().optional(),
    sslcert: z.string().optional(),
    sslkey: z.string().optional(),
    sslnegotiation: z.enum(["postgres", "direct"]).optional(),
    channel_binding: z.enum(["disable", "prefer", "require"]).optional(),
    gssencmode: z.enum(["disable", "prefer"]).optional(),
    target_session_attrs: z.enum(SESSION_ATTRIBUTES).optional(),
    passfile: z.string().optional(),
    connect_timeout: z.int().min(0).optional(),
  })
  .meta({ description: "libpq's connection parameters." });

const endpoint = z.union([z.string(), endpointParameters]);

const patterns = z.partialRecord(z.enum(OBJECT_KINDS), z.union([z.string().min(1), z.array(z.string().min(1))]));

/** What a migration can be told. Everything is optional: there are defaults, and options of the command line go on top of it. */
export const planSchema = z.strictObject({
  source: endpoint.optional().meta({ description: "Where the data is: a postgresql:// URI, or its parameters one by one." }),
  target: endpoint.optional().meta({ description: "Where it goes, in the same form." }),
  type: z.enum(MIGRATION_TYPES).optional().meta({ description: "structure, full (structure and data), or full+incremental (and every change until Complete). Default: full." }),
  until: z.literal("caught-up").optional().meta({ description: "full+incremental: Complete by itself the first time it is caught up." }),
  fence: z.boolean().optional().meta({ description: "full+incremental: make the source read-only at Complete. Default: false." }),
  conflicts: z
    .enum(CONFLICT_POLICIES)
    .optional()
    .meta({ description: "full+incremental: what happens where a change meets a row that is not what the source had. Default: stop." }),
  instance: z.boolean().optional().meta({ description: "All user databases of the source with its roles, instead of the one in the URI." }),
  include: patterns.optional().meta({ description: "Only these objects, by kind: patterns with * and ? over schema.name." }),
  exclude: patterns.optional().meta({ description: "Not these objects; wins over include." }),
  concurrency: z.int().min(1).max(128).optional().meta({ description: "How many tables, chunks or indexes are worked on at once." }),
  owner: z.boolean().optional().meta({ description: "Keep owners. Default: true; false: all belongs to the target account." }),
  privileges: z.boolean().optional().meta({ description: "Keep GRANTs. Default: true." }),
  publications: z.boolean().optional().meta({ description: "Move the source's publications too. Default: false." }),
  tablespaceMap: z.record(z.string(), z.string()).optional().meta({ description: "Source tablespace: target tablespace." }),
  acceptAlarms: z.boolean().optional().meta({ description: "Go on although prechecks raise alarms. Default: false." }),
  verify: z.boolean().optional().meta({ description: "Compare every table at the end. Default: false." }),
  statistics: z.boolean().optional().meta({ description: "Planner statistics on the target at the end. Default: true." }),
  pgDump: z.string().optional().meta({ description: "A native pg_dump to use instead of the built-in one." }),
});

/** A plan file, as YAML: what `godwit migrate` can be told. Whose alarms are accepted is kept beside what a task is asked for, with who and when. */
export const planFileSchema = planSchema
  .extend({ accept: z.array(z.string().min(1)).optional().meta({ description: "Go on although these checks, by their ids, raise alarms; and no others." }) })
  .meta({ title: "Godwit migration plan" });

/** What a plan file says, and what the command line says in the same words. */
export type Plan = z.infer<typeof planFileSchema>;
export type PlanEndpoint = NonNullable<Plan["source"]>;

/** The JSON Schema (draft 2020-12) of a plan file, for editors and CI. */
export function planJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(planFileSchema, { io: "input" });
}
