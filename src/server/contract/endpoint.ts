import { z } from "zod";
import { SESSION_ATTRIBUTES } from "../../wire/endpoint.ts";

const libpq = z.strictObject({
  host: z.string().min(1).max(1000),
  port: z.int().min(1).max(65535).optional(),
  user: z.string().max(200).optional(),
  password: z.string().max(10_000).optional().meta({ description: "Write-only: no answer holds it." }),
  dbname: z.string().max(200).optional(),
  sslmode: z.enum(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]).optional(),
  sslrootcert: z.string().max(100_000).optional().meta({ description: "The certificates themselves (PEM), or `system`." }),
  sslcert: z.string().max(100_000).optional().meta({ description: "The certificate itself (PEM)." }),
  sslkey: z.string().max(100_000).optional().meta({ description: "The key itself (PEM); write-only." }),
  sslnegotiation: z.enum(["postgres", "direct"]).optional(),
  channel_binding: z.enum(["disable", "prefer", "require"]).optional(),
  target_session_attrs: z.enum(SESSION_ATTRIBUTES).optional(),
  connect_timeout: z.int().min(0).max(3600).optional(),
});

/** A server and database: a postgresql:// URI, or libpq's parameters. Names no file of the machine that Godwit runs on. */
export const endpoint = z.union([z.string().min(1).max(100_000), libpq]).meta({ id: "Endpoint" });

/** The same as an answer tells it: without secrets. */
export const shownEndpoint = z
  .object({
    host: z.string(),
    port: z.number(),
    user: z.string(),
    dbname: z.string(),
    sslmode: z.string(),
    hasPassword: z.boolean(),
    hasRootCertificate: z.boolean(),
    hasCertificate: z.boolean(),
    hasKey: z.boolean(),
  })
  .meta({ id: "ShownEndpoint" });

export type EndpointGiven = z.infer<typeof endpoint>;
export type ShownEndpoint = z.infer<typeof shownEndpoint>;
