import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { GodwitError } from "../errors/godwit-error.ts";

export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** TLS parameters with libpq's meaning (https://www.postgresql.org/docs/current/libpq-ssl.html). Files are read already. */
export interface TlsParameters {
  readonly mode: SslMode;
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** sslnegotiation=direct: TLS from the first byte, without asking (servers from 17 on). */
  readonly direct: boolean;
  /** channel_binding=require. */
  readonly channelBinding: boolean;
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS; prefer-standby, of one host, asks for nothing. */
export const SESSION_ATTRIBUTES = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;
export type SessionAttributes = (typeof SESSION_ATTRIBUTES)[number];

/** Which of a task's two servers an endpoint is; messages begin with it. */
export type Side = "source" | "target";

/** Everything needed to reach one database. Never print it whole: it holds the password; use `describeEndpoint`. */
export interface Endpoint {
  readonly side: Side;
  /** A host name, an address, or a directory with a unix socket (begins with "/"). */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** undefined: the password file is asked. */
  readonly password: string | undefined;
  /** passfile, PGPASSFILE or ~/.pgpass; it need not be there. */
  readonly passFile: string;
  readonly sessionAttributes: SessionAttributes;
  readonly tls: TlsParameters;
  readonly connectTimeoutMs: number;
  /** Login event triggers do not fire; the account may ask for that (see login-triggers.ts). */
  readonly withoutLoginTriggers?: true;
}

/** `source user@host:port/database`, safe to print. */
export function describeEndpoint(endpoint: Endpoint): string {
  return `${endpoint.side} ${endpoint.user}@${endpoint.host}:${endpoint.port}/${endpoint.database}`;
}

export function withDatabase(endpoint: Endpoint, database: string): Endpoint {
  return { ...endpoint, database };
}

const KNOWN_PARAMETERS = new Set([
  "host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout",
  "application_name", "sslnegotiation", "gssencmode", "channel_binding", "target_session_attrs", "passfile",
]); // prettier-ignore

type Environment = Readonly<Record<string, string | undefined>>;

/** What an endpoint that somebody else has written may do here. */
interface EndpointRules {
  /** False: it names no file of this machine; certificates and keys are given themselves (PEM), and libpq's default files are not looked for. */
  readonly readsFiles?: boolean;
  /** True: the authority that sslmode verify-… wants comes from elsewhere. */
  readonly authorityMayMiss?: boolean;
}

/** PEM begins so (https://www.rfc-editor.org/rfc/rfc7468); no path does. */
const PEM = /^\s*-----BEGIN /;

/**
 * Reads a libpq connection URI (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS) or a
 * `key=value` string; what is missing comes from `PG*` variables of `environment`, then from libpq's defaults.
 * Throws `uri-invalid`, naming the parameter and never the text itself (it may hold a password).
 */
export function parseEndpoint(side: Side, text: string, environment: Environment = {}, { readsFiles = true, authorityMayMiss = false }: EndpointRules = {}): Endpoint {
  const isUri = /^postgres(ql)?:\/\//.test(text);
  const given = isUri ? parseUri(side, text) : parseKeyValues(side, text);
  for (const name of given.keys()) {
    if (!KNOWN_PARAMETERS.has(name)) throw invalid(side, /\bpassword\s*=/i.test(text) ? brokenPassword(isUri) : `unknown parameter "${name}"`);
  }
  const value = (parameter: string, variable: string): string | undefined => nonEmpty(given.get(parameter)) ?? nonEmpty(environment[variable]);
  const host = value("host", "PGHOST") ?? "localhost";
  if (!readsFiles && host.startsWith("/")) throw invalid(side, "a directory with a unix socket is one of the machine that Godwit runs on: give a host name or an address");
  if (host.includes(",")) throw invalid(side, "several hosts are not supported: name the one to use");
  if (/\p{Cc}/u.test(host)) throw invalid(side, "the host holds a control character, such as a line feed");
  if (!readsFiles && given.has("passfile")) throw invalid(side, "passfile names a file of the machine that Godwit runs on: give the password itself");
  const port = Number(value("port", "PGPORT") ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalid(side, `port must be 1 to 65535`);
  const user = value("user", "PGUSER") ?? environment["USER"] ?? "postgres";
  for (const text of [host, user, ...given.values()]) if (text.includes("\0")) throw invalid(side, "a parameter holds a NUL character");
  if (oneOf(side, "gssencmode", value("gssencmode", "PGGSSENCMODE") ?? "prefer", ["disable", "prefer", "require"]) === "require") {
    throw invalid(side, "gssencmode=require is not supported: encryption is by TLS (sslmode)");
  }
  const timeoutSeconds = Number(value("connect_timeout", "PGCONNECT_TIMEOUT") ?? 15);
  if (!Number.isFinite(timeoutSeconds) || timeoutSeconds < 0) throw invalid(side, "connect_timeout must be a number of seconds");
  return {
    side,
    host,
    port,
    user,
    database: value("dbname", "PGDATABASE") ?? user,
    password: value("password", "PGPASSWORD"),
    passFile: readsFiles ? readPassFile(side, given.get("passfile"), environment["PGPASSFILE"]) : "",
    sessionAttributes: oneOf(side, "target_session_attrs", value("target_session_attrs", "PGTARGETSESSIONATTRS") ?? "any", SESSION_ATTRIBUTES),
    tls: readTls(side, value, readsFiles, authorityMayMiss),
    connectTimeoutMs: timeoutSeconds === 0 ? 0 : Math.min(Math.max(2, timeoutSeconds), 2_000_000) * 1000,
  };
}

function parseUri(side: Side, text: string): Map<string, string> {
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (match === null) throw invalid(side, "not a postgresql:// URI");
  const [, login = "", address = "", database = "", query = ""] = match;
  const found = new Map<string, string>();
  const put = (name: string, raw: string): void => {
    if (raw === "") return;
    try {
      found.set(name, decodeURIComponent(raw));
    } catch {
      throw invalid(side, KNOWN_PARAMETERS.has(name) ? `${name} has a broken percent-encoding` : "a parameter has a broken percent-encoding");
    }
  };
  // Then a password holds one of @ / ? unencoded, and a part of it stands where the host or a parameter should: quote nothing.
  if ([address, database, query].some((part) => part.includes("@"))) throw invalid(side, "a user or password that holds @ / ? # or % must be percent-encoded");
  const colon = login.indexOf(":");
  put("user", colon < 0 ? login : login.slice(0, colon));
  if (colon >= 0) put("password", login.slice(colon + 1));
  const place = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(address);
  if (place === null) throw invalid(side, "host and port cannot be told apart");
  put("host", (place[1] ?? "").replace(/^\[|\]$/g, ""));
  put("port", place[2] ?? "");
  put("dbname", database);
  for (const pair of query.split("&").filter((part) => part !== "")) {
    const equals = pair.indexOf("=");
    if (equals < 0) throw invalid(side, "a parameter behind ? has no value");
    put(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return found;
}

/** Beside a password, what looks like an unknown parameter may be the rest of it: its name must not be quoted. */
function brokenPassword(isUri: boolean): string {
  const mend = isUri ? "a password that holds & = @ / ? # or % must be percent-encoded" : "a password that holds blanks must stand in quotes: password='…'";
  return `an unknown parameter beside the password; ${mend}`;
}

function parseKeyValues(side: Side, text: string): Map<string, string> {
  const found = new Map<string, string>();
  const pattern = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gy;
  let at = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    found.set(match[1] ?? "", (match[2] ?? match[3] ?? "").replace(/\\(.)/gs, "$1"));
    at = pattern.lastIndex;
  }
  if (text.slice(at).trim() !== "" || found.size === 0) throw invalid(side, "neither a postgresql:// URI nor key=value parameters");
  return found;
}

function readTls(side: Side, value: (parameter: string, variable: string) => string | undefined, readsFiles: boolean, authorityMayMiss: boolean): TlsParameters {
  const mode = oneOf(side, "sslmode", value("sslmode", "PGSSLMODE") ?? "prefer", SSL_MODES);
  const read = (parameter: string, variable: string, fallback?: string): string | undefined => {
    const path = value(parameter, variable);
    if (path !== undefined && PEM.test(path)) return path;
    if (!readsFiles) {
      if (path === undefined) return undefined;
      throw invalid(side, `${parameter} names a file of the machine that Godwit runs on: give its content (PEM)`);
    }
    try {
      if (path !== undefined) return readFileSync(path, "utf8");
    } catch (cause) {
      throw new GodwitError("uri-invalid", `${side}: the file of ${parameter} cannot be read: ${path}`, { object: parameter, cause });
    }
    if (fallback === undefined) return undefined;
    try {
      return readFileSync(join(homedir(), ".postgresql", fallback), "utf8");
    } catch {
      return undefined; // libpq's default files need not exist
    }
  };
  const system = value("sslrootcert", "PGSSLROOTCERT") === "system";
  const rootCertificate = system ? undefined : read("sslrootcert", "PGSSLROOTCERT", "root.crt");
  if (mode.startsWith("verify") && rootCertificate === undefined && !system && !authorityMayMiss) {
    throw invalid(side, `sslmode ${mode} needs sslrootcert (a file, or "system" for the system's authorities)`);
  }
  const direct = oneOf(side, "sslnegotiation", value("sslnegotiation", "PGSSLNEGOTIATION") ?? "postgres", ["postgres", "direct"]) === "direct";
  if (direct && !system && ["disable", "allow", "prefer"].includes(mode)) throw invalid(side, `sslnegotiation=direct needs sslmode require, verify-ca or verify-full`);
  return {
    mode: system ? "verify-full" : mode,
    direct,
    channelBinding: oneOf(side, "channel_binding", value("channel_binding", "PGCHANNELBINDING") ?? "prefer", ["disable", "prefer", "require"]) === "require",
    rootCertificate,
    certificate: read("sslcert", "PGSSLCERT", "postgresql.crt"),
    key: read("sslkey", "PGSSLKEY", "postgresql.key"),
  };
}

/** A file that is named has to be there, as with certificates; that of the environment need not. */
function readPassFile(side: Side, given: string | undefined, fromEnvironment: string | undefined): string {
  const named = nonEmpty(given);
  if (named !== undefined && !existsSync(named)) throw new GodwitError("uri-invalid", `${side}: the file of passfile cannot be read: ${named}`, { object: "passfile" });
  return named ?? nonEmpty(fromEnvironment) ?? join(homedir(), ".pgpass");
}

function oneOf<T extends string>(side: Side, parameter: string, text: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === text);
  if (found === undefined) throw invalid(side, `${parameter} must be one of ${known.join(", ")}`);
  return found;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function invalid(side: Side, why: string): GodwitError {
  return new GodwitError("uri-invalid", `${side}: ${why}`, { object: side });
}
