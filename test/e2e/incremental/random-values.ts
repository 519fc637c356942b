import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { quoteIdentifier, quoteLiteral } from "../../../src/wire/quote.ts";
import { freshNumber, usedNumber } from "./key-types.ts";
import type { Random } from "./random.ts";
import type { Column } from "./schema.ts";

/** An SQL expression for one row's value of a column; undefined where nobody but the server writes. `n` is the row's number, for what must be unique. */
export function valueOf(column: Column, n: string, random: Random, major: SourceMajor): string | undefined {
  const { content } = column;
  switch (content.kind) {
    case "computed":
      return undefined;
    case "identity":
      return content.always ? undefined : `(${n})`;
    case "key":
      return content.type.at(n);
    case "reference":
      return referenceTo(content, column.isNullable, random);
    case "plain":
      break;
  }
  return column.isNullable && random.chance(0.15) ? "null" : random.chance(0.6) ? content.type.literal(random, major) : content.type.bulk(n);
}

/** The same for many rows at once, from an SQL expression that differs from row to row. */
export function bulkValueOf(column: Column, n: string, random: Random): string | undefined {
  const { content } = column;
  switch (content.kind) {
    case "computed":
      return undefined;
    case "identity":
      return content.always ? undefined : `(${n})`;
    case "key":
      return content.type.at(n);
    case "reference":
      return referenceTo(content, column.isNullable, random);
    case "plain":
      break;
  }
  return column.isNullable && random.chance(0.3) ? `case when (${n}) % ${random.int(2, 5)} <> 0 then ${content.type.bulk(n)} end` : content.type.bulk(n);
}

/** Some row that is there: nobody knows which. */
function referenceTo({ table, column }: { readonly table: string; readonly column: string }, isNullable: boolean, random: Random): string {
  if (isNullable && random.chance(0.2)) return "null";
  return `(select ${quoteIdentifier(column)} from ${table} order by pg_catalog.hashtext(${quoteIdentifier(column)}::text || ${salt(random)}) limit 1)`;
}

/** Makes a choice of rows another one. */
export function salt(random: Random): string {
  return quoteLiteral(String(random.int(0, 1_000_000)));
}

/** The number of a row to be inserted: one that is used often, or a new one. */
export function rowNumber(random: Random): number {
  return random.chance(0.4) ? usedNumber(random) : freshNumber(random) + random.int(0, 999);
}
