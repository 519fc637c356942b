import { movesData } from "../../plan/migration-type.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, passed } from "../check.ts";

/** Of autovacuum_freeze_max_age: what autovacuum does against it has been going on for long, or does not come to its end. */
const OVERDUE = 1.5;
/** The server warns 40 million before the end, and refuses new transactions 3 million before: https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND */
const MUCH = 1_000_000_000;

export const xidAge: Check = {
  id: "xid-age",
  title: "The source can do without freezing for a while",
  about:
    "Where data moves. Alarm: the oldest unfrozen transaction of a database is half as old again as autovacuum_freeze_max_age, or a billion transactions: the snapshot of the copy, and the slot for its catalogs, keep VACUUM from freezing what is newer.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async ({ source, databases }) => {
    const names = databases.map(({ plan }) => plan.source.database);
    const rows = await source.query<{ name: string; age: number; limit: number }>(
      `select d.datname as name, pg_catalog.age(d.datfrozenxid) as age, pg_catalog.current_setting('autovacuum_freeze_max_age')::pg_catalog.int4 as "limit"
         from pg_catalog.pg_database d where d.datname = any($1::pg_catalog.name[])`,
      [names],
    );
    const old = rows.filter(({ age, limit }) => age > Math.min(OVERDUE * limit, MUCH));
    const scope = describeEndpoint(source.endpoint);
    if (old.length === 0) return [passed(xidAge, scope, rows.map(({ name, age }) => `database ${name}: ${age} transactions`))]; // prettier-ignore
    // Each is mended by itself.
    return old.map(({ name, age, limit }) =>
      found(xidAge, `database ${name}`, "alarm", {
        evidence: [`database ${name}: the oldest unfrozen transaction is ${age} transactions old, autovacuum_freeze_max_age = ${limit}`],
        why: "A server whose transaction ids run out refuses writes. While the copy's snapshot is held, VACUUM cannot freeze what was written since.",
        fix: "Run VACUUM (FREEZE) on the oldest tables of this database first, and find what has held autovacuum up: old transactions, prepared ones, abandoned slots.",
        fixSql: "vacuum (freeze);",
        fixOn: { ...source.endpoint, database: name },
      }),
    );
  },
};
