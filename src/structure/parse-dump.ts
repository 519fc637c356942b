import { SharedStrings } from "../catalog/shared-strings.ts";
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

const HEADER = outsideQuotes(String.raw`^--\n-- TOC entry (?<id>\d+) \(class (?<class>\d+) OID (?<oid>\d+)\)\n(?:-- Dependencies: (?<deps>[\d ]+)\n)?-- (?<title>.*)\n--\n`);
const TITLE = /^(?:Statistics for )?Name: (?<name>.*); Type: (?<type>[^;]*); Schema: (?<schema>.*); Owner: (?<owner>.*?)(?:; Tablespace: .*)?$/;
/** What pg_dump sets between entries, for those that follow. */
const BETWEEN = /\n(SET default_[a-z_]+ = [^\n]*;)\n*$/;
const NO_DEPENDENCIES: readonly number[] = [];
const TAIL = /\n-- Completed on [^\n]*\n[\s\S]*$/;

/**
 * Cuts the plain text of `pg_dump --verbose` into its entries, in pg_dump's order, which respects all dependencies.
 * Headers are only believed outside of quotes: a function body may contain anything.
 * Throws `dump-failed` when a header cannot be read.
 */
export function parseDump(text: string): Entry[] {
  const entries = new EntryList();
  let header: Header | undefined;
  for (const next of findHeaders(text)) {
    if (header === undefined) entries.begin(text.slice(0, next.from));
    else entries.add(header, text.slice(header.to, next.from));
    header = next;
  }
  if (header !== undefined) entries.add(header, text.slice(header.to).replace(TAIL, "\n"));
  return entries.all;
}

interface Header {
  readonly from: number;
  readonly to: number;
  readonly id: string;
  readonly catalogOid: string;
  readonly oid: string;
  readonly deps: string;
  readonly title: string;
}

function* findHeaders(text: string): Generator<Header> {
  for (const { 0: whole, index, groups } of text.matchAll(HEADER)) {
    if (groups?.["id"] === undefined) continue; // something quoted
    const { id, class: catalogOid = "0", oid = "0", deps = "", title = "" } = groups;
    yield { from: index, to: index + whole.length, id, catalogOid, oid, deps, title };
  }
}

/** The entries so far, and what pg_dump said between them that holds for the next ones. */
class EntryList {
  readonly all: Entry[] = [];
  readonly #shared = new SharedStrings();
  readonly #settings = new Map<string, string>();
  #settingsText = "";
  /** pg_dump sets default_tablespace and the like before the first entry that needs them: text before that entry's header. */
  #preamble = "";
  #isBehindData = false;

  begin(text: string): void {
    this.#preamble = text;
  }

  /** `text` is what stands between this header and the next one. */
  add({ id, catalogOid, oid, deps, title }: Header, text: string): void {
    const named = TITLE.exec(title)?.groups;
    if (named === undefined) throw new GodwitError("dump-failed", `pg_dump wrote a header that cannot be read: ${title}`);
    const { name = "", schema = "-", owner = "" } = named;
    const type = this.#shared.get(named["type"] ?? "");
    if (takeSettings(this.#preamble, this.#settings)) this.#settingsText = [...this.#settings.values()].join(" ");
    const sql = this.#cutPreamble(text).trim();
    this.#isBehindData ||= POST_DATA.has(type);
    if (isEmpty(sql)) return;
    this.all.push({
      dumpId: Number(id),
      catalogOid: this.#shared.get(catalogOid),
      oid,
      name,
      type,
      schema: this.#shared.get(schema),
      owner: this.#shared.get(owner === "" ? "-" : owner),
      dependencies: deps === "" ? NO_DEPENDENCIES : deps.trim().split(" ").map(Number),
      section: this.#isBehindData || ALWAYS_POST.has(type) ? "post" : "pre",
      settings: this.#settingsText,
      sql,
    });
  }

  /** Takes the settings off an entry's end: they belong to the next one. */
  #cutPreamble(text: string): string {
    let sql = text;
    this.#preamble = "";
    for (let found = BETWEEN.exec(sql); found !== null; found = BETWEEN.exec(sql)) {
      this.#preamble = `${found[1]}\n${this.#preamble}`;
      sql = sql.slice(0, found.index + 1);
    }
    return sql;
  }
}

function takeSettings(text: string, settings: Map<string, string>): boolean {
  const found = [...text.matchAll(/^SET (default_[a-z_]+) = [^\n]*;$/gm)];
  for (const match of found) settings.set(match[1] ?? "", match[0]);
  return found.length > 0;
}

/** "-- *not* creating schema, since initdb creates it" and the like. */
function isEmpty(sql: string): boolean {
  return !/^(?!--).*\S/m.test(sql);
}
