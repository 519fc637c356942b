import { z } from "zod";
import { planSchema } from "../../task/plan-schema.ts";
import { endpoint, shownEndpoint } from "./endpoint.ts";
import { moment, printable, typedMoment } from "./moment.ts";

export const MOST_TAGS = 20;
export const TOO_MANY_TAGS = `A task has ${MOST_TAGS} tags at most.`;

/** Settings that may change at any time. */
const settings = {
  name: printable.max(200).regex(/[^\p{C}\p{Z}]/u, "A name has something to be seen."),
  tags: z.record(printable.min(1).max(100), printable.max(200)).refine((tags) => Object.keys(tags).length <= MOST_TAGS, TOO_MANY_TAGS),
  concurrency: z.int().min(1).max(128),
  rateLimit: z.int().min(1).max(Number.MAX_SAFE_INTEGER).meta({ description: "Bytes per second over all lanes." }),
};

/** What a migration is asked to be: the plan of the command line, with the servers' secrets given themselves. */
export const newTask = planSchema
  .omit({ source: true, target: true, pgDump: true, concurrency: true })
  .extend({
    source: endpoint,
    target: endpoint,
    name: settings.name.optional(),
    tags: settings.tags.optional(),
    concurrency: settings.concurrency.optional(),
    rateLimit: settings.rateLimit.optional(),
    retryForSeconds: z.int().min(0).max(31_536_000).optional().meta({ description: "How long passing errors are tried again; default: 12 hours." }),
    scheduledAt: typedMoment.optional().meta({ description: "Starts then; the checks run at once." }),
    start: z.boolean().optional().meta({ description: "Start it, or let it wait for its time. Default: false, it stays a draft." }),
    secretsOf: z.string().max(100).optional().meta({ description: "A task whose passwords and keys are taken where this one gives none, for the same host, port and user." }),
  })
  .meta({ id: "NewTask" });

/** What was asked for, as it can be asked again (create similar, modify): without secrets. */
export const askedTask = newTask
  .omit({ source: true, target: true, start: true, secretsOf: true })
  // As it is, also where it would be refused today.
  .extend({
    source: shownEndpoint,
    target: shownEndpoint,
    name: z.string().optional(),
    tags: z.record(z.string(), z.string()).optional(),
    retryForSeconds: z.number().optional(),
    scheduledAt: moment.optional(),
  })
  .meta({ id: "AskedTask" });

/** Settings of a task, also while it runs. Tags that are named get the new values, or go with null; others stay. */
export const taskSettings = z
  .strictObject({
    name: settings.name.optional(),
    tags: z.record(printable.min(1).max(100), printable.max(200).nullable()).optional(),
    concurrency: settings.concurrency.optional(),
    rateLimit: settings.rateLimit.nullable().optional(),
  })
  .meta({ id: "TaskSettings" });

export type NewTaskGiven = z.infer<typeof newTask>;
export type AskedTask = z.infer<typeof askedTask>;
