import { displayName } from "../../catalog/catalog.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import type { RelationMessage } from "../../wire/pgoutput.ts";
import { quoteIdentifier, quoteQualified } from "../../wire/quote.ts";
import { type Session, openSession } from "../../wire/session.ts";
import type { RunContext } from "../run-context.ts";

interface Partition {
  readonly parentSchema: string;
  readonly parent: string;
  /** `FOR VALUES …` or `DEFAULT`. */
  readonly bound: string;
}

/**
 * Makes a partition on the target that was made at the source since: as PARTITION OF its parent, with the same bound, it gets columns, indexes, keys and triggers from there, and its parent's
 * owner. Rights that were granted on it by itself do not come along. False where it is no partition, or its parent is not on the target: then nobody can say how it has to be.
 * https://www.postgresql.org/docs/current/sql-createtable.html (PARTITION OF)
 *
 * `target` is in the transaction that has what came before it at the source: what leaves the default partition before the new one takes its place, and the locks of that.
 */
export async function makePartition({ schema, name }: RelationMessage, from: Endpoint, target: Session, { report, signal, options }: RunContext): Promise<boolean> {
  await using source = await openSession(from, { signal });
  if (source.versionNum < 100000) return false;
  const [partition] = await source.query<Partition>(
    `select pn.nspname as "parentSchema", p.relname as parent, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_inherits i on i.inhrelid = c.oid join pg_catalog.pg_class p on p.oid = i.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
      where c.relispartition and n.nspname = $1 and c.relname = $2`,
    [schema, name],
  );
  if (partition === undefined) return false;
  const parent = quoteQualified(partition.parentSchema, partition.parent);
  const [there] = await target.query<{ owner: string }>(
    "select pg_catalog.pg_get_userbyid(c.relowner) as owner from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1) and c.relkind = 'p'",
    [parent],
  );
  if (there === undefined) return false;
  const table = quoteQualified(schema, name);
  const owner = options.noOwner ? "" : `; alter table ${table} owner to ${quoteIdentifier(there.owner)}`;
  await target.query(`create table ${table} partition of ${parent} ${partition.bound}${owner}`);
  report({
    event: "notice",
    level: "info",
    message: `partition ${displayName({ schema, name })} was made at the source meanwhile: it is made on the target, too`,
    object: displayName({ schema, name }),
  });
  return true;
}
