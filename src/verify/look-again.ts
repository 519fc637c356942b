import type { Endpoint } from "../wire/endpoint.ts";
import type { Lsn } from "../wire/lsn.ts";
import { KeysUnreadable } from "./find-rows.ts";
import type { Following } from "./following.ts";
import { type Lane, inLanes } from "./lane.ts";
import { type Memory, type Suspect, SuspectRows } from "./suspect.ts";

export interface LookAgainOptions {
  readonly concurrency: number;
  /** Looks at what is still open after the one before; a row that changes all the time stays open for ever. */
  readonly mostLooks?: number;
  /** Differing rows that are remembered at once; of tables with more than that the rest is compared anew each time. */
  readonly mostRemembered?: number;
  readonly signal: AbortSignal;
}

/** A table that differs for good. */
export interface LastingDifference {
  readonly table: string;
  /** How many rows; `isComplete` false: at least so many. */
  readonly rows: number;
  readonly isComplete: boolean;
  /** Up to ten, as in TableDifference. */
  readonly keys: readonly string[];
}

/** A table that is neither known to be equal nor to differ. */
export interface UnsettledTable {
  readonly table: string;
  /** "3 rows kept changing through 6 looks", or what kept us from looking; a sentence. */
  readonly reason: string;
}

export interface LookedAgain {
  readonly looks: number;
  /** What the source has shown up to here is part of the answer. */
  readonly until: Lsn;
  readonly lasting: readonly LastingDifference[];
  readonly unsettled: readonly UnsettledTable[];
}

const MOST_LOOKS = 6;
const MOST_REMEMBERED = 100_000;

/**
 * Looks again at tables that differed while changes flow, until each of their rows is known to be equal or to differ for good, or has been looked at often enough.
 * Between two looks the target passes what the source could show in the first; when it does not, what is open stays so. Read-only. Errors: as of verifyTables.
 */
export async function lookAgain(source: Endpoint, target: Endpoint, suspects: readonly Suspect[], following: Following, options: LookAgainOptions): Promise<LookedAgain> {
  const memory: Memory = { left: options.mostRemembered ?? MOST_REMEMBERED };
  const all = suspects.flatMap((suspect) => suspect.pieces.map((piece) => new SuspectRows(suspect, piece, memory)));
  const unreadable = new Map<Suspect, string>();
  let until = await following.sourcePosition();
  let looks = 0;
  let stopped: string | undefined;
  for (let open = all; open.length > 0 && looks < (options.mostLooks ?? MOST_LOOKS); open = open.filter(({ isSettled, suspect }) => !isSettled && !unreadable.has(suspect))) {
    const arrival = await following.pass(until);
    if (!arrival.hasPassed) {
      stopped = arrival.why;
      break;
    }
    const waiting = [...open];
    const { signal, concurrency } = options;
    await inLanes(source, target, Math.min(concurrency, waiting.length), { isTargetFirst: true, signal }, async (lane) => {
      for (let rows = waiting.shift(); rows !== undefined; rows = waiting.shift()) await lookAt(lane, rows, unreadable);
    });
    looks++;
    // After all snapshots of this look: they see nothing behind it.
    until = await following.sourcePosition();
  }
  return { looks, until, ...concludeAll(suspects, all, (suspect) => unreadable.get(suspect) ?? stopped, looks) };
}

async function lookAt(lane: Lane, rows: SuspectRows, unreadable: Map<Suspect, string>): Promise<void> {
  try {
    await rows.look(lane);
    await lane.finishedTables(1);
  } catch (error) {
    if (!(error instanceof KeysUnreadable)) throw error;
    unreadable.set(rows.suspect, error.message);
    // The side that failed has a new snapshot, maybe a later one than the other side's.
    await lane.renew();
  }
}

type Conclusion = Pick<LookedAgain, "lasting" | "unsettled">;

function concludeAll(suspects: readonly Suspect[], all: readonly SuspectRows[], obstacle: (suspect: Suspect) => string | undefined, looks: number): Conclusion {
  const lasting: LastingDifference[] = [];
  const unsettled: UnsettledTable[] = [];
  const bySuspect = Map.groupBy(all, ({ suspect }) => suspect);
  for (const suspect of suspects) {
    const pieces = bySuspect.get(suspect) ?? [];
    const rows = pieces.reduce((sum, piece) => sum + piece.lasting.rows, 0);
    const table = suspect.name;
    const open = pieces.filter(({ isSettled }) => !isSettled);
    const isComplete = pieces.every(({ changing }) => changing.isComplete && changing.rows === 0);
    if (rows > 0) lasting.push({ table, rows, isComplete, keys: pieces.flatMap((piece) => piece.lasting.keys).slice(0, 10) });
    if (open.length > 0) unsettled.push({ table, reason: obstacle(suspect) ?? describeChanging(open, looks) });
  }
  return { lasting, unsettled };
}

function describeChanging(open: readonly SuspectRows[], looks: number): string {
  const rows = open.reduce((sum, { changing }) => sum + changing.rows, 0);
  const least = open.some(({ changing }) => !changing.isComplete) ? "at least " : "";
  return `${least}${rows === 1 ? "1 row is" : `${rows} rows are`} still changing after ${looks === 1 ? "1 look" : `${looks} looks`}`;
}
