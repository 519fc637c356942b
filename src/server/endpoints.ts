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
  const endpoint = parseEndpoint(side, connectionText(given), {}, { readsFiles: false });
  if (secretsOf === undefined || (endpoint.password !== undefined && endpoint.tls.key !== undefined)) return endpoint;
  const known = (await tasks.endpoints(secretsOf))[side];
  if (known.host !== endpoint.host || known.port !== endpoint.port || known.user !== endpoint.user) return endpoint;
  // A weaker look at who answers would do the same.
  if (endpoint.password === undefined && isWeaker(endpoint, known)) {
    throw new GodwitError("uri-invalid", `${side}: with another sslmode the password has to be given again`, { object: "sslmode" });
  }
  const { rootCertificate, certificate, key } = known.tls;
  const { tls } = endpoint;
  return {
    ...endpoint,
    password: endpoint.password ?? known.password,
    tls: { ...tls, rootCertificate: tls.rootCertificate ?? rootCertificate, certificate: tls.certificate ?? certificate, key: tls.key ?? key },
  };
}

function isWeaker(endpoint: Endpoint, known: Endpoint): boolean {
  const verifies = ({ tls }: Endpoint): number => ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].indexOf(tls.mode);
  const isOtherAuthority = endpoint.tls.rootCertificate !== undefined && endpoint.tls.rootCertificate !== known.tls.rootCertificate;
  return verifies(known) > verifies(endpoint) || (verifies(known) >= 4 && isOtherAuthority);
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
