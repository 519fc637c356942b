import { GodwitError } from "../errors/godwit-error.ts";
import { connectionText } from "../task/options-of-plan.ts";
import type { TaskStore } from "../task/task-store.ts";
import { type Endpoint, type Side, parseEndpoint } from "../wire/endpoint.ts";
import type { EndpointGiven, ShownEndpoint } from "./contract/endpoint.ts";

/**
 * A server that somebody has typed, which names no file of this machine. Secrets that it does not give are those of the task `secretsOf`, for the same host, port and user
 * alone: or whoever may name a host could have them sent there. Throws `uri-invalid`, `task-unknown`.
 */
export async function readEndpoint(side: Side, given: EndpointGiven, secretsOf: string | undefined, tasks: TaskStore): Promise<Endpoint> {
  const read = (authorityMayMiss: boolean): Endpoint => parseEndpoint(side, connectionText(given), {}, { readsFiles: false, authorityMayMiss });
  const kept = secretsOf === undefined ? undefined : (await tasks.endpoints(secretsOf))[side];
  const endpoint = read(kept !== undefined);
  if (kept?.host !== endpoint.host || kept.port !== endpoint.port || kept.user !== endpoint.user) return read(false);
  const rootCertificate = endpoint.tls.rootCertificate ?? kept.tls.rootCertificate;
  // Neither has one, nor did the one that is kept mean those of the system.
  if (rootCertificate === undefined && !(kept.tls.mode === "verify-full" && endpoint.tls.mode === "verify-full")) read(false);
  // A weaker look at who answers would do the same as another host.
  if (endpoint.password === undefined && isWeaker(endpoint, kept)) {
    throw new GodwitError("uri-invalid", `${side}: with another sslmode the password has to be given again`, { object: "sslmode" });
  }
  const isLeftOut = (parameter: string): boolean => typeof given === "object" && !(parameter in given);
  return {
    ...endpoint,
    password: endpoint.password ?? kept.password,
    // No form has them: what was asked for once stays.
    sessionAttributes: isLeftOut("target_session_attrs") ? kept.sessionAttributes : endpoint.sessionAttributes,
    connectTimeoutMs: isLeftOut("connect_timeout") ? kept.connectTimeoutMs : endpoint.connectTimeoutMs,
    tls: {
      ...endpoint.tls,
      direct: isLeftOut("sslnegotiation") && endpoint.tls.mode === kept.tls.mode ? kept.tls.direct : endpoint.tls.direct,
      rootCertificate,
      certificate: endpoint.tls.certificate ?? kept.tls.certificate,
      key: endpoint.tls.key ?? kept.tls.key,
      // No answer tells that it was asked for, so that nobody can ask for it again; and without it a password goes to whoever stands in between.
      channelBinding: endpoint.tls.channelBinding || (endpoint.password === undefined && kept.tls.channelBinding),
    },
  };
}

function isWeaker(endpoint: Endpoint, known: Endpoint): boolean {
  const verifies = ({ tls }: Endpoint): number => ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].indexOf(tls.mode);
  const isOtherAuthority = endpoint.tls.rootCertificate !== undefined && endpoint.tls.rootCertificate !== known.tls.rootCertificate;
  // With an authority, `require` looks at the certificate, too (https://www.postgresql.org/docs/current/libpq-ssl.html).
  const knowsAuthority = known.tls.mode.startsWith("verify") || (known.tls.mode === "require" && known.tls.rootCertificate !== undefined);
  return verifies(known) > verifies(endpoint) || (knowsAuthority && isOtherAuthority);
}

/** Without secrets. */
export function shownEndpoint({ host, port, user, database, password, tls }: Endpoint): ShownEndpoint {
  return {
    host,
    port,
    user,
    dbname: database,
    sslmode: tls.mode,
    hasPassword: password !== undefined,
    hasRootCertificate: tls.rootCertificate !== undefined,
    hasCertificate: tls.certificate !== undefined,
    hasKey: tls.key !== undefined,
  };
}
