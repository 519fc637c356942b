import { type Grant, grantStatements, grantsExpression } from "../catalog/acl.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { inTransaction } from "../wire/transaction.ts";
import { findUnreadable, isAmong, readByFunction, readPages } from "./large-object-content.ts";

export interface LargeObjectOptions {
  /** Everything belongs to the target account. */
  readonly noOwner: boolean;
  readonly noPrivileges: boolean;
  /** Only these, by oid, few thousand at most; undefined: all. */
  readonly only?: readonly string[];
  /** Content bytes and objects so far. */
  readonly onProgress?: (bytes: number, count: number) => void;
}

/** Large objects with the same owner and the same rights, few enough for one transaction. */
interface Group {
  readonly owner: string;
  /** null: the built-in defaults. */
  readonly grants: readonly Grant[] | null;
  /** `16410,16411,…`: one text takes a tenth of the memory of a list of numbers. */
  readonly oids: string;
}

/** GRANT and COMMENT lock each large object until commit: this many fit into the lock table of any server. */
const OBJECTS_PER_TRANSACTION = 500;

/**
 * Moves every large object with its oid, content, length, owner, rights and comment
 * (https://www.postgresql.org/docs/current/largeobjects.html). The source session is inside a transaction with the wanted snapshot; the
 * target session is idle. Both accounts and all roles concerned exist. What arrived is committed in parts: after a failure the target
 * database must be emptied.
 *
 * Errors: `privilege-missing` naming the objects that the source account may not read, before anything is written; `copy-failed` naming
 * the oids that the target has already; `privilege-missing` when the target account may not act as an owner.
 */
export async function copyLargeObjects(source: Session, target: Session, options: LargeObjectOptions, signal: AbortSignal): Promise<{ count: number; bytes: number }> {
  const groups = await readGroups(source, options.only);
  const oids = (): string[] => groups.flatMap((group) => group.oids.split(","));
  const count = groups.reduce((sum, group) => sum + group.oids.split(",").length, 0);
  if (count === 0) return { count: 0, bytes: 0 };
  const [access] = await source.query<{ all: boolean }>("select pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'select') as all");
  if (access?.all !== true) refuseUnreadable(source, await findUnreadable(source, options.only));
  for (const group of groups) await refuseExisting(target, group);
  for (const group of groups) {
    signal.throwIfAborted();
    await createObjects(target, group, options);
  }
  const progress = (bytes: number, done: number): void => options.onProgress?.(bytes, done);
  const bytes = access?.all === true ? await readPages(source, target, progress, signal, options.only) : await readByFunction(source, target, oids(), progress, signal);
  if (!options.noPrivileges) {
    for (const group of groups) {
      signal.throwIfAborted();
      await grantRights(target, group, options);
    }
  }
  await copyComments(source, target, signal, options.only);
  options.onProgress?.(bytes, count);
  return { count, bytes };
}

async function readGroups(source: Session, only: readonly string[] | undefined): Promise<Group[]> {
  return await source.query<Group>(
    `select pg_catalog.pg_get_userbyid(m.lomowner) as owner, ${grantsExpression("m.lomacl")} as grants, g.oids
     from (
       select min(n.oid) as first, pg_catalog.string_agg(n.oid::pg_catalog.text, ',' order by n.oid) as oids
       from (
         select m.oid, m.lomowner, m.lomacl::pg_catalog.text as acl,
           pg_catalog.row_number() over (partition by m.lomowner, m.lomacl::pg_catalog.text order by m.oid) / ${OBJECTS_PER_TRANSACTION} as part
         from pg_catalog.pg_largeobject_metadata m where ${isAmong("m.oid", only)}
       ) n
       group by n.lomowner, n.acl, n.part
     ) g
     join pg_catalog.pg_largeobject_metadata m on m.oid = g.first
     order by g.first`,
  );
}

function refuseUnreadable(source: Session, oids: readonly string[]): void {
  if (oids.length === 0) return;
  const shown = oids.slice(0, 20).join(", ");
  const rest = oids.length > 20 ? ` and ${oids.length - 20} more` : "";
  throw new GodwitError("privilege-missing", `${describeEndpoint(source.endpoint)}: the account may not read the large objects ${shown}${rest}`, {
    object: `large object ${shown}${rest}`,
    advice: `Grant it at the source: grant select on large object ${shown} to ${quoteIdentifier(source.endpoint.user)}; or grant select on pg_catalog.pg_largeobject (from version 14 on, pg_read_all_data), which opens all of them.`,
  });
}

async function refuseExisting(target: Session, group: Group): Promise<void> {
  const rows = await target.query<{ oid: string }>(
    "select m.oid::pg_catalog.text as oid from pg_catalog.pg_largeobject_metadata m where m.oid = any($1::pg_catalog.oid[]) order by m.oid",
    [`{${group.oids}}`],
  );
  if (rows.length === 0) return;
  const shown = rows.slice(0, 20).map((row) => row.oid);
  throw new GodwitError("copy-failed", `${describeEndpoint(target.endpoint)}: large objects of these numbers exist already: ${shown.join(", ")}${rows.length > 20 ? " …" : ""}`, {
    object: `large object ${shown.join(", ")}`,
  });
}

/** Created by their owner: ALTER LARGE OBJECT … OWNER TO would need a statement and a lock for each. */
async function createObjects(target: Session, group: Group, options: LargeObjectOptions): Promise<void> {
  await inTransaction(target, async () => {
    if (!options.noOwner) await target.query(`set local role ${quoteIdentifier(group.owner)}`);
    await target.query("select count(pg_catalog.lo_create(o.oid)) from pg_catalog.unnest($1::pg_catalog.oid[]) as o(oid)", [`{${group.oids}}`]);
  });
}

async function grantRights(target: Session, group: Group, options: LargeObjectOptions): Promise<void> {
  if (group.grants === null) return;
  const owner = options.noOwner ? undefined : group.owner;
  const statements = grantStatements({ object: `large object ${group.oids}`, owner, revokeFrom: owner === undefined ? [] : [owner] }, group.grants);
  await inTransaction(target, async () => {
    for (const statement of statements) await target.query(statement);
  });
}

/** One snapshot's comments, a page at a time by oid. */
async function copyComments(source: Session, target: Session, signal: AbortSignal, only: readonly string[] | undefined): Promise<void> {
  for (let after = "0"; ;) {
    signal.throwIfAborted();
    const rows = await source.query<{ oid: string; comment: string }>(
      `select d.objoid::pg_catalog.text as oid, d.description as comment from pg_catalog.pg_description d
       where d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass and d.objsubid = 0 and d.objoid > $1::pg_catalog.oid and ${isAmong("d.objoid", only)}
       order by d.objoid limit ${OBJECTS_PER_TRANSACTION}`,
      [after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    // Several statements in one message are one transaction.
    await target.query(rows.map((row) => `comment on large object ${row.oid} is ${quoteLiteral(row.comment)}`).join(";\n"));
    after = last.oid;
  }
}
