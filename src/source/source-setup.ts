import { type Catalog, type Relation, displayName } from "../catalog/catalog.ts";
import { failpoint } from "../errors/failpoint.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";
import { followedTables } from "./followed-tables.ts";
import type { Patience } from "./lock-patiently.ts";
import { dropPublication, ensurePublication, publicationName, type PublicationOutcome, PUBLICATIONS_SINCE } from "./publication.ts";
import { decideReplicaIdentities, type IdentityChange, type IdentityOutcome, type IdentityPlan, restoreReplicaIdentities, setReplicaIdentities } from "./replica-identity.ts";
import { dropSlot, outputPlugin, receiverName, slotName } from "./slot.ts";

/** All that a task changes in one source database. Plain data: kept before the first change, so that whatever dies when, it can be undone. */
export interface SourceSetup {
  readonly slot: string;
  readonly plugin: "pgoutput" | "test_decoding";
  /** The application_name of the receiver's walsender. */
  readonly receiver: string;
  /** null: before 10 there are none. */
  readonly publication: string | null;
  readonly identities: readonly IdentityChange[];
}

/** Decides what has to be changed in the session's database. Reads only. Throws `precheck-failed` where a table cannot be followed: see IdentityPlan. */
export async function planSourceSetup(source: Session, taskId: string, catalog: Catalog, isSelected: (relation: Relation) => boolean): Promise<SourceSetup> {
  return { ...(await namedSetup(source, taskId)), identities: await decideOrRefuse(source, identityCandidates(catalog, isSelected)) };
}

/** What of a task's setup in the session's database its id tells: all but the replica identities. */
export async function namedSetup(source: Session, taskId: string): Promise<SourceSetup> {
  const [database] = await source.query<{ oid: string }>("select d.oid::pg_catalog.text as oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()");
  return {
    slot: slotName(taskId, database?.oid ?? "0"),
    plugin: outputPlugin(source.versionNum),
    receiver: receiverName(taskId),
    publication: source.versionNum < PUBLICATIONS_SINCE ? null : publicationName(taskId),
    identities: [],
  };
}

export interface SetupOutcome {
  readonly identities: readonly IdentityOutcome[];
  readonly publication: PublicationOutcome | null;
}

/**
 * Makes it so: replica identities first (a published table without one refuses the application's updates), then the publication; the slot is made behind both, as
 * what was written before they were there is not decoded rightly. Idempotent.
 */
export async function applySourceSetup(
  source: Session,
  setup: SourceSetup,
  catalog: Catalog,
  isSelected: (relation: Relation) => boolean,
  patience: Patience,
  signal: AbortSignal,
): Promise<SetupOutcome> {
  const identities = await setReplicaIdentities(source, setup.identities, patience, signal);
  if (setup.publication === null) return { identities, publication: null };
  const { published } = followedTables(catalog, isSelected);
  return { identities, publication: await ensurePublication(source, setup.publication, published, patience, signal) };
}

/** What became of replica identities since the setup, and has to be mended. */
export interface LaterIdentities {
  /** For `setReplicaIdentities`: `before` is what the tables have now. */
  readonly changes: readonly IdentityChange[];
  /** The same, with what the tables had before the task: to be kept with the setup first, in place of what is kept of the same tables. */
  readonly kept: readonly IdentityChange[];
  /** As in IdentityPlan: nothing can be done for these. */
  readonly impossible: IdentityPlan["impossible"];
}

/**
 * A published table without a replica identity refuses the application's updates and deletes: partitions that were made since without a key, and tables whose identity was an index that was dropped.
 * To be called every few seconds, from when the setup is applied until it is undone. Reads only.
 */
export async function decideLaterIdentities(source: Session, setup: Pick<SourceSetup, "identities">, oids: readonly string[]): Promise<LaterIdentities> {
  const before = new Map(setup.identities.map((change) => [change.oid, change.before]));
  const { changes, impossible } = await decideReplicaIdentities(source, oids);
  return { changes, kept: changes.map((change) => ({ ...change, before: before.get(change.oid) ?? change.before })), impossible };
}

export interface UndoneSetup {
  readonly slot: "dropped" | "missing";
  readonly publication: "dropped" | "missing";
  readonly identities: readonly IdentityOutcome[];
}

/** Takes all of it back, in the opposite order. Idempotent: at Complete, when a task is given up, and again after a failure. */
export async function undoSourceSetup(source: Session, setup: SourceSetup, patience: Patience, signal: AbortSignal): Promise<UndoneSetup> {
  const slot = await dropSlot(source, setup.slot, setup.receiver, signal);
  failpoint("slot dropped");
  const publication = setup.publication === null ? "missing" : await dropPublication(source, setup.publication);
  return { slot, publication, identities: await restoreReplicaIdentities(source, setup.identities, patience, signal) };
}

async function decideOrRefuse(source: Session, oids: readonly string[]): Promise<readonly IdentityChange[]> {
  const { changes, impossible } = await decideReplicaIdentities(source, oids);
  const names = impossible.map(displayName);
  if (names.length === 0) return changes;
  throw new GodwitError("precheck-failed", `${describeEndpoint(source.endpoint)}: no key, and virtual generated columns: ${names.slice(0, 20).join(", ")}`, {
    object: names[0]!,
    advice: "Give these tables a primary key or a unique index over NOT NULL columns, or leave them out with --exclude.",
  });
}

/** Partitioned tables that are published whole stand for partitions that nobody has seen yet. */
export function identityCandidates(catalog: Catalog, isSelected: (relation: Relation) => boolean): string[] {
  const { tables, published } = followedTables(catalog, isSelected);
  return [...new Set([...tables, ...published].map(({ oid }) => oid))];
}
