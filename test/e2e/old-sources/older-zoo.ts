import type { OldMajor } from "../../../src/embedded/binaries.ts";
import { zooSql } from "../../zoo/zoo.ts";

/** What a major brought, and what takes its place in the zoo of older ones. */
interface Addition {
  readonly since: 9.5 | 9.6 | 10;
  readonly text: string | RegExp;
  readonly before: string;
}

const lines = (since: Addition["since"], beginning: string): Addition => ({ since, text: new RegExp(`^${RegExp.escape(beginning)}.*\n`, "gm"), before: "" });
const section = (since: Addition["since"], title: string, before: string): Addition => ({
  since,
  text: new RegExp(`^-- ${RegExp.escape(title)}[\\s\\S]*?(?=^-- (?:next|foreign data|replica identities)$)`, "m"),
  before,
});
const piece = (since: Addition["since"], text: string, before = ""): Addition => ({ since, text, before });

const ADDITIONS: readonly Addition[] = [
  section(10, "partitions:", "create table zoo.detached (a integer);\n"),
  section(10, "publications", ""),
  lines(10, "create trigger on_leaf"),
  lines(10, "create trigger on_root"),
  lines(10, "alter table zoo.measurements_2024 disable"),
  lines(10, "create trigger with_tables"),
  lines(10, "create statistics"),
  lines(10, "comment on statistics"),
  lines(10, "alter statistics"),
  lines(10, "create collation zoo.german"),
  lines(10, "comment on collation zoo.german"),
  piece(10, ", german text collate zoo.german"),
  piece(10, ", t collate zoo.german"),
  piece(10, "integer generated always as identity (start with 100 increment by 10)", "serial"),
  lines(10, "create unlogged table zoo.unlogged_identity"),
  lines(10, "insert into zoo.unlogged_identity"),
  lines(10, "create table zoo.identities"),
  lines(10, "insert into zoo.identities"),
  piece(10, "zoo.small as smallint", "zoo.small"),
  piece(10, '"Odd Seq ü" as bigint', '"Odd Seq ü"'),
  piece(10, ", m8 macaddr8"),
  piece(10, ", '08:00:2b:01:02:03:04:05'"),
  piece(10, ", '00:00:00:ff:fe:00:00:00'"),
  piece(10, "null, null, 'ffffffff-", "null, 'ffffffff-"),
  piece(10, ", autosummarize = on"),
  piece(10, " as restrictive"),
  lines(10, "create view zoo.xml_view"),
  lines(10, "alter default privileges for role zoo_owner grant usage on schemas"),

  piece(9.6, " parallel safe"),
  piece(9.6, " parallel restricted"),
  piece(9.6, ", combinefunc = float8_combine"),
  piece(9.6, ", parallel = safe"),
  piece(9.6, ", parallel_workers = 3"),
  lines(9.6, "create access method"),
  lines(9.6, "comment on access method"),
  piece(9.6, "<2> jump", "& jump"),

  section(9.5, "row-level security", ""),
  lines(9.5, "comment on constraint is_positive on domain"),
  lines(9.5, "create transform"),
  lines(9.5, "comment on transform"),
  piece(9.5, ", rol regrole, ns regnamespace"),
  piece(9.5, ", 'zoo_owner', 'zoo', 'FFFFFFFF", ", 'FFFFFFFF"),
  piece(9.5, ", '-', '-', '0/0'", ", '0/0'"),
  piece(9.5, ", log_autovacuum_min_duration = 1000"),
  piece(9.5, "jsonb_build_object('k', i)", "json_build_object('k', i)::jsonb"),
  piece(9.5, "jsonb_build_object('i', i, 'half', i / 2.0)", "json_build_object('i', i, 'half', i / 2.0)::jsonb"),
  piece(9.5, ", gin_pending_list_limit = 128"),
  lines(9.5, "create index indexed_brin"),
  lines(9.5, "create view zoo.sampled"),
  piece(9.5, `'""', '""', '')`, `'""', '""', null)`), // an empty text is XML since the minor releases of 2020; 9.4 had ended before
  piece(9.5, " skip locked"),
  piece(9.5, "group by grouping sets ((a.id, b.extra, l.next_id, g.ord, x.val), ())", "group by a.id, b.extra, l.next_id, g.ord, x.val"),
  lines(9.5, 'create event trigger "Zoo Rewrite"'),
  lines(9.5, 'alter event trigger "Zoo Rewrite"'),
  piece(9.5, " default 'x', check (id > 0)) server", " default 'x') server"),
  lines(9.5, "create foreign table zoo.remote_child"),
];

/** SQL of everything in the zoo that a major before 10 can hold: the zoo of 10 without what came later. */
export function olderZooSql(major: OldMajor): string {
  let sql = zooSql(10);
  for (const { since, text, before } of ADDITIONS) {
    if (major >= since) continue;
    const left = sql.replaceAll(typeof text === "string" ? text : new RegExp(text, "gm"), () => before);
    if (left === sql) throw new Error(`the zoo of 10 has no ${String(text)} any more: adapt it here`);
    sql = left;
  }
  return sql;
}
