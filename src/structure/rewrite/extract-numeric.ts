import { argumentsFrom } from "./arguments.ts";
import type { EntryText } from "./entry-text.ts";
import { type Rule, crossesDown } from "./rule.ts";

const CALL = "EXTRACT(";

const INFINITE = "EXTRACT of an infinite time is NULL there: before 14 no numeric is infinite";
const ONCE = "EXTRACT(epoch …) of what a function or query answers, which is asked once only, has rounded microseconds there from the year 2255 on, and fails from 294247 on";
const JULIAN = "EXTRACT(julian …) is computed as double precision there: 15 significant digits";

/** https://www.postgresql.org/docs/14/release-14.html: EXTRACT returns numeric; before it was another way to write date_part, which is double precision. */
export const extractNumeric: Rule = {
  id: "extract-numeric",
  about:
    "`EXTRACT`, which is numeric since 14 and double precision before, is made numeric again for older targets, with the decimal places that the field has. Notes: `julian` keeps 15 significant digits there; " +
    "what is infinite (`epoch`, `year` … of an infinite time) becomes NULL, unless it is compared with a whole number or cast to double precision; `epoch` of what a function or a subquery answers is exact up to the year 2255. " +
    "`epoch` of an interval of more than 17 million years may be wrong by one second. " +
    "A column of an index that is nothing but `EXTRACT`, and one of a partition key (`year` and the like), stays as it is: queries on the older target are written like it.",
  appliesTo: (context) => crossesDown(context, 14),
  concerns: ({ sql }) => sql.includes(CALL),
  rewrite: (text) => {
    const notes = new Set<string>();
    const sql = rewriteSpan(text, 0, text.sql.length, notes);
    if (sql === text.sql) return undefined;
    return notes.size === 0 ? { sql } : { sql, note: [...notes].join("; ") };
  },
};

function rewriteSpan(text: EntryText, start: number, end: number, notes: Set<string>): string {
  const { sql, masked, entry } = text;
  let result = "";
  let from = start;
  for (let at = masked.indexOf(CALL, start); at >= 0 && at < end; at = masked.indexOf(CALL, from)) {
    const open = at + CALL.length;
    const { close } = argumentsFrom(masked, open);
    const [head, field] = fieldOf(sql.slice(open, close));
    const time = rewriteSpan(text, open + head.length, close, notes);
    const call = `${CALL}${head}${time})`;
    const isKey = (entry.type === "INDEX" && isOutermost(masked, at)) || (WHOLE_GROWING.has(field) && isPartitionKey(masked, at));
    const staysDouble = isKey || (WHOLE_GROWING.has(field) && DOUBLE_DOES.test(masked.slice(close)));
    result += sql.slice(from, at) + (staysDouble ? call : numeric(call, field, { sql: time, masked: masked.slice(open + head.length, close) }, notes));
    from = close + 1;
  }
  return result + sql.slice(from, end);
}

/** Fields that are infinite for infinite times (of all others NULL is extracted), and that have no fraction. */
const WHOLE_GROWING: ReadonlySet<string> = new Set(["year", "isoyear", "decade", "century", "millennium"]);
const SPELLINGS: Readonly<Record<string, string>> = {
  second: "s sec secs second seconds",
  milliseconds: "ms msec msecs msecond mseconds millisecon",
  year: "y yr yrs year years",
  decade: "dec decs decade decades",
  century: "c cent century centuries",
  millennium: "mil mils millennia millennium",
  julian: "j jd julian",
};
const FIELDS = new Map(Object.entries(SPELLINGS).flatMap(([field, spellings]) => spellings.split(" ").map((spelling) => [spelling, field])));

/**
 * "EPOCH FROM ts": what stands before the time, and the field, normalised where its spelling matters here. PostgreSQL looks at the first 10
 * letters, in lower case (ParseDateTime, datebsearch), so that all of "millisecond", "milliseconds" are "millisecon".
 */
function fieldOf(inner: string): [head: string, field: string] {
  const [head = "", word = ""] = /^['"]?(\w+)['"]? FROM /.exec(inner) ?? [];
  const spelling = word.toLowerCase().slice(0, 10);
  return [head, FIELDS.get(spelling) ?? spelling];
}

/** As pg_dump writes it. A comparison with a whole number is the same in double precision, also for what is infinite, and so is a cast to it. */
const DOUBLE_DOES = /^\)(?: (?:<|<=|>|>=|=|<>) \(-?\d{1,15}\)::numeric\)|\)::double precision)/;
/** Of PostgreSQL's own functions these few are volatile; all others are qualified by pg_dump. */
const VOLATILE = /\b(?:clock_timestamp|timeofday|random|random_normal|nextval|currval|lastval)\(/;
const UNKNOWN = /\.(?:"[^"]*"|\w+)\(|\bOPERATOR\(|\bSELECT\b/;
const FINITE = /^(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|CURRENT_DATE|(?:CURRENT_TIMESTAMP|LOCALTIMESTAMP)(?:\(\d\))?)$/;

/** `time`: what stands behind FROM, and as it was, masked. */
function numeric(call: string, field: string, time: { readonly sql: string; readonly masked: string }, notes: Set<string>): string {
  if (field === "second") return `round((${call})::numeric, 6)`;
  if (field === "milliseconds") return `round((${call})::numeric, 3)`;
  if (field !== "epoch" && field !== "julian" && !WHOLE_GROWING.has(field)) return `((${call})::numeric)`;
  if (field === "julian") notes.add(JULIAN);
  const isUnknown = UNKNOWN.test(time.masked);
  if (!FINITE.test(time.masked)) notes.add(INFINITE);
  if (field === "epoch" && isUnknown) notes.add(ONCE);
  if (field === "epoch" && !isUnknown && !VOLATILE.test(time.masked) && !/::date\)?$/.test(time.masked)) return exactEpoch(call, time.sql);
  const finite = `NULLIF(NULLIF(${call}, 'Infinity'::double precision), '-Infinity'::double precision)`;
  // More digits than the cast to numeric keeps (15), so that microseconds are counted whole. A date has none.
  if (field === "epoch" && !/::date\)?$/.test(time.masked)) return `((((${finite} * (1000000)::double precision))::bigint)::numeric * 0.000001)`;
  return `((${finite})::numeric)`;
}

/**
 * Double precision holds microseconds up to the year 2255. Its error is far below a second for every time, and the microseconds of the
 * minute are exact: without them the epoch is near to a whole number, to which the cast rounds. They are NULL where the time is infinite.
 * date_trunc would be shorter, but takes a date for the beginning of a day in the session's time zone, and has no timetz.
 */
function exactEpoch(epoch: string, time: string): string {
  const microseconds = `EXTRACT(microseconds FROM ${time})`;
  return `((((${epoch} - (${microseconds} / (1000000)::double precision)))::bigint)::numeric + ((${microseconds})::numeric * 0.000001))`;
}

/** Of ranges and lists: a hash of another type is another hash. What is infinite has its partition too. */
function isPartitionKey(masked: string, at: number): boolean {
  const [clause] = /\nPARTITION BY (?:RANGE|LIST) \(.*$/.exec(masked.slice(0, at)) ?? [];
  return clause !== undefined && isOutermost(clause, clause.length);
}

/** Inside of the one pair of parentheses around an index's columns, or around its condition, and of no other. */
function isOutermost(masked: string, at: number): boolean {
  let depth = 0;
  for (let before = 0; before < at; before++) {
    if (masked[before] === "(") depth++;
    else if (masked[before] === ")") depth--;
  }
  return depth === 1;
}
