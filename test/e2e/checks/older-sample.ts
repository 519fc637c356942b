/** What of the sample (src/demo/shop.sql) came with which major, and what an older server has in its place. */
const SINCE: readonly (readonly [major: number, pattern: RegExp, instead: string])[] = [
  [14, /begin atomic\s+(.*?)\s+end;/gs, "as $$$$ $1 $$$$;"],
  [12, / generated always as \(.*\) stored/g, ""],
  [12, /^(?=-- ## invoices)/m, "update shop.order_lines set total = quantity * unit_price;\n\n"],
  [12, /\(dependencies, mcv\)/g, "(dependencies)"],
  [12, /^alter table .* references shop\.orders\b.*;$/gm, ""],
  [11, /pg_catalog\.hashint8extended\((.*?), salt\)/g, "pg_catalog.hashint8($1 * 31 + salt)"],
  [11, / partition by range \(ordered_at\);/g, ";"],
  [11, /^do \$\$\nbegin\n {2}for month in .*?^end \$\$;$/gms, ""],
  [11, /^create table .* partition of shop\.orders default;$/gm, ""],
  [11, / include \(name, price\)/g, ""],
  [11, /\bexecute function\b/g, "execute procedure"],
  [11, /create procedure shop\.review_tier\((.*?)\) language/g, "create function shop.review_tier($1) returns void language"],
  [11, /\bon procedure\b/g, "on function"],
];

/** The sample's script for a server of this major. */
export function sampleFor(major: number, sql: string): string {
  return SINCE.filter(([since]) => major < since).reduce((script, [, pattern, instead]) => script.replace(pattern, instead), sql);
}
