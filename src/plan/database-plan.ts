import type { Catalog, Relation } from "../catalog/catalog.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import type { Snapshot } from "../copy/snapshot.ts";
import type { Entry } from "../structure/entry.ts";
import type { Impossible } from "../structure/rewrite/index.ts";
import type { Settings } from "../copy/computing-settings.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Selection } from "./select-objects.ts";

/** Everything that is known before the first write to the target: input of the prechecks and of the run. */
export interface DatabasePlan extends AsyncDisposable {
  readonly source: Endpoint;
  /** The database on the target may not exist yet (`createTarget`). */
  readonly target: Endpoint;
  readonly createTarget: boolean;
  readonly snapshot: Snapshot;
  readonly catalog: Catalog;
  readonly indexes: ReadonlyMap<string, IndexFacts>;
  readonly selection: Selection;
  /** Selected entries, rewritten for the target's version, in pg_dump's order. */
  readonly entries: readonly Entry[];
  /** Tablespaces of the source that selected entries lie in, by how many; `entries` hold the target's names already. */
  readonly tablespaces: ReadonlyMap<string, number>;
  /** What the source gives to sessions that compute; see computing-settings.ts. */
  readonly computing: Settings;
  readonly rewriteNotes: readonly string[];
  readonly impossible: readonly Impossible[];
  /** Where a run goes on with the structure of an earlier one: tables that would move by the structure of now, and are not in this plan, or have other parents there. */
  readonly cameSince?: readonly Relation[];
}
