import { z } from "zod";
import { moment, printable } from "./moment.ts";

/** What people and programs may do: look; work with tasks; also manage users, tokens, alerts. Each may what those before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export const role = z.enum(ROLES);

const accountName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\p{L}\p{N}._@+-]+$/u, "Letters, digits and . _ @ + - are allowed.")
  // In an address these two lead elsewhere: nobody could change or delete such an account.
  .regex(/[^.]/, "A name of dots alone is not allowed.")
  // The audit log's word for whoever is not logged in.
  .refine((name) => name.toLowerCase() !== "nobody", "Nobody may be called nobody.");

/** Length alone is asked for: https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver */
const newPassword = z.string().min(10, "A password has at least 10 characters.").max(500);

/** Who asks. */
export const session = z
  .object({
    account: z.object({ name: z.string(), role }).nullable().meta({ description: "null: nobody is logged in." }),
    csrfToken: z.string().nullable().meta({ description: "Sent back as the header x-csrf-token with every request that changes something." }),
    needsSetup: z.boolean().meta({ description: "There is no account yet: the link printed at the first start makes one." }),
    version: z.string(),
  })
  .meta({ id: "Session" });

export const setupBody = z.strictObject({ token: z.string().max(200), name: accountName, password: newPassword });
export const loginBody = z.strictObject({ name: z.string().max(200), password: z.string().max(500) });
export const passwordBody = z.strictObject({ current: z.string().max(500), password: newPassword });

export const account = z.object({ name: z.string(), role, isDisabled: z.boolean(), createdAt: moment, lastLoginAt: moment.nullable() }).meta({ id: "Account" });
export const accountList = z.object({ accounts: z.array(account) });
export const newAccount = z.strictObject({ name: accountName, password: newPassword, role });
export const accountChange = z.strictObject({ role: role.optional(), password: newPassword.optional(), isDisabled: z.boolean().optional() });
export const accountNameParam = z.object({ name: z.string() });

export const token = z
  .object({ id: z.string(), name: z.string(), role, createdBy: z.string(), createdAt: moment, usedAt: moment.nullable(), expiresAt: moment.nullable() })
  .meta({ id: "Token" });
export const tokenList = z.object({ tokens: z.array(token) });
export const newToken = z.strictObject({ name: printable.min(1).max(100), role, expiresInDays: z.int().min(1).max(3650).optional() });
/** The only answer that ever holds it. */
export const madeToken = token.extend({ token: z.string() });
export const tokenId = z.object({ id: z.string() });

export const auditQuery = z.object({
  before: z.string().regex(/^\d{1,18}$/).optional(), // prettier-ignore
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export const auditList = z.object({
  entries: z.array(
    z.object({
      id: z.string(),
      at: moment,
      who: z.string(),
      address: z.string(),
      action: z.string(),
      object: z.string().nullable(),
      outcome: z.string(),
      detail: z.string().nullable(),
    }),
  ),
});

export type Role = (typeof ROLES)[number];
export type SessionAnswer = z.infer<typeof session>;
export type Account = z.infer<typeof account>;
export type Token = z.infer<typeof token>;
export type AuditEntry = z.infer<typeof auditList>["entries"][number];
