import { z } from "zod";
import { moment, printable } from "./moment.ts";

/** When somebody is told, by a POST to an address. */
const thresholds = {
  name: printable.min(1).max(100),
  url: z.url({ protocol: /^https?$/ }).max(2000).refine(namesNobody, "a user and a password are not sent with an alert: put a token into the path or the query instead").meta({ description: "Write-only, as it may hold a secret: answers show its host." }), // prettier-ignore
  isEnabled: z.boolean().default(true),
  onFailed: z.boolean().default(true).meta({ description: "A task has failed, or its checks." }),
  onRetrying: z.boolean().default(true).meta({ description: "A task tries a passing error again." }),
  lagSeconds: z.number().min(1).nullable().default(null).meta({ description: "Lag above this; null: never." }),
  retainedBytes: z.int().min(1).nullable().default(null).meta({ description: "WAL that a slot keeps at the source, above this; null: never." }),
};

export const newWebhook = z.strictObject(thresholds).meta({ id: "NewWebhook" });
export const webhookChange = z
  .strictObject({ name: thresholds.name, url: thresholds.url, isEnabled: z.boolean(), onFailed: z.boolean(), onRetrying: z.boolean(), lagSeconds: z.number().min(1).nullable(), retainedBytes: z.int().min(1).nullable() })
  .partial(); // prettier-ignore
export const webhook = z
  .object({
    id: z.string(),
    name: z.string(),
    host: z.string(),
    isEnabled: z.boolean(),
    onFailed: z.boolean(),
    onRetrying: z.boolean(),
    lagSeconds: z.number().nullable(),
    retainedBytes: z.number().nullable(),
    lastAt: moment.nullable(),
    lastOutcome: z.string().nullable(),
  })
  .meta({ id: "Webhook" });
export const webhookList = z.object({ webhooks: z.array(webhook) });
export const webhookId = z.object({ id: z.string() });
export const webhookTest = z.object({ isDelivered: z.boolean(), detail: z.string() });

export type Webhook = z.infer<typeof webhook>;

/** Nothing is sent to an address with credentials (https://fetch.spec.whatwg.org/#dom-request). */
function namesNobody(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed === null || (parsed.username === "" && parsed.password === "");
}
