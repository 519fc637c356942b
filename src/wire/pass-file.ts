import { readFileSync, statSync } from "node:fs";
import type { Endpoint } from "./endpoint.ts";

export interface PassFileAnswer {
  readonly password: string | undefined;
  /** Why a file that is there was not used. */
  readonly refusal: string | undefined;
}

const NOTHING: PassFileAnswer = { password: undefined, refusal: undefined };

/**
 * Looks an endpoint's password up in its password file: lines of host:port:database:user:password, `*` for any, `\` before a colon or a
 * backslash that belongs to a name; the first line that fits counts. A file that others may read is not used, as with libpq.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
export function askPassFile(endpoint: Endpoint): PassFileAnswer {
  const { passFile: file } = endpoint;
  let text;
  try {
    const facts = statSync(file);
    if (!facts.isFile()) return { ...NOTHING, refusal: `${file} is not used: it is not a plain file` };
    if (process.platform !== "win32" && (facts.mode & 0o077) !== 0) return { ...NOTHING, refusal: `${file} is not used: others may read it (chmod 600 helps)` };
    text = readFileSync(file, "utf8");
  } catch {
    return NOTHING; // as with libpq, it need not be there
  }
  // A socket's directory is known as localhost too.
  const hosts = endpoint.host.startsWith("/") ? [endpoint.host, "localhost"] : [endpoint.host];
  const wanted = [hosts, [String(endpoint.port)], [endpoint.database], [endpoint.user]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^\\:])*)(?::|$)/g)].map(([, field = ""]) => field);
    const password = fields[4];
    if (password === undefined || password === "") continue;
    if (wanted.every((names, at) => fields[at] === "*" || names.includes(unescape(fields[at]!)))) return { ...NOTHING, password: unescape(password) };
  }
  return NOTHING;
}

function unescape(field: string): string {
  return field.replaceAll(/\\(.)/g, "$1");
}
