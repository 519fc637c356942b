import type { EndpointGiven, ShownEndpoint } from "../../../../src/server/contract/endpoint.ts";

export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** A server as it is being typed. Lives in memory alone: it holds secrets. */
export interface EndpointDraft {
  readonly mode: "fields" | "uri";
  readonly uri: string;
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
  readonly dbname: string;
  readonly sslmode: SslMode;
  /** PEM, or `system`; empty: none. */
  readonly sslrootcert: string;
  readonly sslcert: string;
  readonly sslkey: string;
  /** What an earlier task has stored, and this one takes over where it gives nothing. */
  readonly stored: Pick<ShownEndpoint, "hasPassword" | "hasRootCertificate" | "hasCertificate" | "hasKey">;
}

const NOTHING_STORED = { hasPassword: false, hasRootCertificate: false, hasCertificate: false, hasKey: false };

export const NO_ENDPOINT: EndpointDraft = {
  mode: "fields",
  uri: "",
  host: "",
  port: "5432",
  user: "",
  password: "",
  dbname: "",
  sslmode: "prefer",
  sslrootcert: "",
  sslcert: "",
  sslkey: "",
  stored: NOTHING_STORED,
};

export function endpointOf(shown: ShownEndpoint): EndpointDraft {
  const { host, port, user, dbname, sslmode, ...stored } = shown;
  return { ...NO_ENDPOINT, host, port: String(port), user, dbname, sslmode: sslModeOf(sslmode) ?? "prefer", stored };
}

/** As the server takes it: without what is empty. */
export function givenEndpoint(draft: EndpointDraft): EndpointGiven {
  if (draft.mode === "uri") return draft.uri.trim();
  const { host, port, user, password, dbname, sslmode, sslrootcert, sslcert, sslkey } = draft;
  const given = Object.entries({ user, password, dbname, sslrootcert, sslcert, sslkey }).filter(([, value]) => value !== "");
  return { host: host.trim(), ...(port === "" ? {} : { port: Number(port) }), sslmode, ...Object.fromEntries(given) };
}

export function isNamed({ mode, uri, host }: EndpointDraft): boolean {
  return mode === "uri" ? isUri(uri) : host.trim() !== "";
}

export function isUri(text: string): boolean {
  return /^postgres(ql)?:\/\/./.test(text.trim());
}

/** The database that moves: libpq takes the user's name where none is given. */
export function databaseOf(draft: EndpointDraft): string {
  const { dbname, user } = draft.mode === "uri" ? { ...draft, ...readUri(draft.uri) } : draft;
  return dbname !== "" ? dbname : user !== "" ? user : "postgres";
}

/** For people: without the password. */
export function shownName(draft: EndpointDraft): string {
  const { host, port, user } = draft.mode === "uri" ? { ...draft, ...readUri(draft.uri) } : draft;
  return `${user === "" ? "" : `${user}@`}${host}${port === "" ? "" : `:${port}`}/${databaseOf(draft)}`;
}

/** The parts of a URI for the fields; empty for what is no URI, or names several hosts. */
export function readUri(uri: string): Partial<EndpointDraft> {
  // URL knows no ports and accounts of protocols that it does not know; of http it does.
  const address = isUri(uri) ? URL.parse(uri.trim().replace(/^postgres(ql)?:/, "http:")) : null;
  if (address === null) return {};
  const parameter = (name: string): string => address.searchParams.get(name) ?? "";
  const sslmode = sslModeOf(parameter("sslmode"));
  return {
    host: decodeURIComponent(address.hostname) || parameter("host"),
    port: address.port || parameter("port") || (/^[^/]*\/\/[^/]*:80(\/|\?|$)/.test(uri) ? "80" : "5432"),
    user: decodeURIComponent(address.username) || parameter("user"),
    password: decodeURIComponent(address.password) || parameter("password"),
    dbname: decodeURIComponent(address.pathname.slice(1)) || parameter("dbname"),
    ...(sslmode === undefined ? {} : { sslmode }),
  };
}

function sslModeOf(text: string): SslMode | undefined {
  return SSL_MODES.find((mode) => mode === text);
}
