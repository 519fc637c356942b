import { GodwitError } from "../errors/godwit-error.ts";
import type { Entry } from "./entry.ts";
import { outsideQuotes } from "./sql-text.ts";

/** Types that pg_dump puts behind the data; once one was seen, all that follows is behind the data too. */
const POST_DATA = new Set([
  "INDEX", "INDEX ATTACH", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE", "EVENT TRIGGER", "POLICY", "ROW SECURITY",
  "STATISTICS", "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "DEFAULT ACL", "STATISTICS DATA", "MATERIALIZED VIEW DATA",
]); // prettier-ignore

/**
 * Applied behind the data wherever they stand: a REVOKE could take from the owner what the copy needs, and comments may
 * belong to something that is only made then.
 */
const ALWAYS_POST = new Set(["ACL", "COMMENT", "SECURITY LABEL"]);

const HEADER = outsideQuotes(String.raw`^--\n-- TOC entry (?<id>\d+) \(class (?<class>\d+) OID (?<oid>\d+)\)\n(?:-- Dependencies: (?<deps>[\d ]+)\n)?-- Name: (?<title>.*)\n--\n`);
const TITLE = /^(?<name>.*); Type: (?<type>[^;]*); Schema: (?<schema>.*); Owner: (?<owner>.*?)(?:; Tablespace: .*)?$/;
/** What pg_dump sets between entries, for those that follow. */
const BETWEEN = /\n(SET default_[a-z_]+ = [^\n]*;)\n*$/;
const TAIL = /\n-- Completed on [^\n]*\n[\s\S]*$/;

/**
 * Cuts the plain text of `pg_dump --verbose` into its entries, in pg_dump's order, which respects all dependencies.
 * Headers are only believed outside of quotes: a function body may contain anything.
 * Throws `dump-failed` when a header cannot be read.
 */
export function parseDump(text: string): Entry[] {
  const headers = findHeaders(text);
  const entries: Entry[] = [];
  const settings = new Map<string, string>();
  // pg_dump sets default_tablespace and the like before the first entry that needs them: text before the first header.
  let preamble = headers[0] === undefined ? "" : text.slice(0, headers[0].index);
  let settingsText = "";
  let isBehindData = false;
  for (const [at, header] of headers.entries()) {
    const { id, catalogOid, oid, deps, title } = header;
    const named = TITLE.exec(title)?.groups;
    if (named === undefined) throw new GodwitError("dump-failed", `pg_dump wrote a header that cannot be read: ${title}`);
    if (takeSettings(preamble, settings)) settingsText = [...settings.values()].join(" ");
    const to = headers[at + 1]?.index ?? text.length;
    let sql = text.slice(header.index + header.length, to);
    if (at === headers.length - 1) sql = sql.replace(TAIL, "\n");
    preamble = "";
    for (let found = BETWEEN.exec(sql); found !== null; found = BETWEEN.exec(sql)) {
      preamble = `${found[1]}\n${preamble}`;
      sql = sql.slice(0, found.index + 1);
    }
    const type = named["type"] ?? "";
    isBehindData ||= POST_DATA.has(type);
    entries.push({
      dumpId: Number(id),
      catalogOid,
      oid,
      name: named["name"] ?? "",
      type,
      schema: named["schema"] ?? "-",
      owner: named["owner"] === "" ? "-" : (named["owner"] ?? "-"),
      dependencies: (deps ?? "")
        .split(" ")
        .filter((part) => part !== "")
        .map(Number),
      section: isBehindData || ALWAYS_POST.has(type) ? "post" : "pre",
      settings: settingsText,
      sql: sql.trim(),
    });
  }
  return entries.filter((entry) => !isEmpty(entry.sql));
}

interface Header {
  readonly index: number;
  readonly length: number;
  readonly id: string;
  readonly catalogOid: string;
  readonly oid: string;
  readonly deps: string;
  readonly title: string;
}

/** Only headers are kept: the matches of quoted pieces, passed over here, are many times more. */
function findHeaders(text: string): Header[] {
  const headers: Header[] = [];
  for (const { 0: whole, index, groups } of text.matchAll(HEADER)) {
    if (groups?.["id"] === undefined) continue;
    const { id, class: catalogOid = "0", oid = "0", deps = "", title = "" } = groups;
    headers.push({ index, length: whole.length, id, catalogOid, oid, deps, title });
  }
  return headers;
}

function takeSettings(text: string, settings: Map<string, string>): boolean {
  const found = [...text.matchAll(/^SET (default_[a-z_]+) = [^\n]*;$/gm)];
  for (const match of found) settings.set(match[1] ?? "", match[0]);
  return found.length > 0;
}

/** "-- *not* creating schema, since initdb creates it" and the like. */
function isEmpty(sql: string): boolean {
  return sql.split("\n").every((line) => line.trim() === "" || line.startsWith("--"));
}
