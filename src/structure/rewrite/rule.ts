import { majorOf } from "../../wire/session.ts";
import type { Entry } from "../entry.ts";
import type { EntryText } from "./entry-text.ts";
import type { Scope } from "./scope.ts";

export interface RewriteContext {
  readonly sourceVersionNum: number;
  readonly targetVersionNum: number;
  /** The target database is made for this migration: its schema public then gets the source's owner and rights too. */
  readonly wholeDatabase?: boolean;
  readonly noOwner?: boolean;
  readonly noPrivileges?: boolean;
}

/** What the target cannot hold: a precheck finding that names the objects. */
export interface Impossible {
  /** "procedures", "generated columns". */
  readonly feature: string;
  /** As `describeEntry` writes them. */
  readonly objects: string[];
  /** Upwards: the major that took the feature away; downwards: the one that added it. */
  readonly since: number;
  readonly why: string;
}

/** The outcome of one rule for one entry; undefined when it has nothing to say. */
export interface Outcome {
  readonly sql?: string;
  readonly settings?: string;
  /** Leave the entry out, with its comments. Only for what is a hint to storage or planner. */
  readonly drop?: true;
  /** What became different in more than spelling. */
  readonly note?: string;
  readonly impossible?: Omit<Impossible, "objects">;
}

/** One difference between versions: one file, one test, one line in docs/reference/version-rewrites.md. */
export interface Rule {
  /** The file's name. */
  readonly id: string;
  /** One sentence for the reference page. */
  readonly about: string;
  readonly appliesTo: (context: RewriteContext) => boolean;
  /** Entry types it looks at; all when left out. */
  readonly types?: ReadonlySet<string>;
  /** A cheap look at the raw text: most entries of a large catalog must end here. */
  readonly concerns: (entry: Entry, scope: Scope) => boolean;
  readonly rewrite: (text: EntryText, scope: Scope) => Outcome | undefined;
}

/** Whether the target is older than this major. */
export function targetBelow(context: RewriteContext, major: number): boolean {
  return majorOf(context.targetVersionNum) < major;
}

/** Whether the migration goes upwards over this major. */
export function crossesUp(context: RewriteContext, major: number): boolean {
  return majorOf(context.sourceVersionNum) < major && majorOf(context.targetVersionNum) >= major;
}

/** Whether it goes downwards over this major. */
export function crossesDown(context: RewriteContext, major: number): boolean {
  return majorOf(context.sourceVersionNum) >= major && majorOf(context.targetVersionNum) < major;
}

/** The finding for a feature that `since` added. */
export function addedIn(since: number, feature: string, why?: string): Outcome {
  return { impossible: { feature, since, why: why ?? `PostgreSQL ${since} added this; the target is older.` } };
}
