import { GodwitError } from "../errors/godwit-error.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { type Lsn, formatLsn } from "../wire/lsn.ts";
import type { Replication } from "../wire/replication.ts";
import type { Session } from "../wire/session.ts";

/** The server that changes come from, as far as it can be told from others. Plain data. */
export interface SourceServer {
  /** The same on its standbys, and on copies of its disk. */
  readonly systemId: string;
  /** Another one since a standby was promoted, or the server was restored to a point in time: https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES */
  readonly timeline: number;
}

/** What the target has of a source's changes. */
export interface SeenChanges {
  readonly slot: string;
  /** Everything up to here; nobody sends what is not on his disk, so the source had written it. */
  readonly upTo: Lsn;
}

const ADVICE =
  "The target has changes that this source does not have. Where it is the wrong server, see to it that the right one answers under this address, and retry the task; else give the migration up (godwit task terminate ID) and begin anew.";

/** Refuses a source that lies before what the target has of it: what it commits up to there would be passed over. `seen` is from before the position was asked for. Throws `slot-lost`. */
export function refuseEarlier(source: Session, position: Lsn, seen: SeenChanges): void {
  refuse(source, seen, earlierSource(position, seen.upTo));
}

/**
 * Refuses a server that is not the one that the changes so far came from, or has lost some of them: what it commits could be passed over, as positions tell what the target has. A standby
 * that had received all of them before it was promoted goes on with the positions of its primary, and may take over. Returns what is to be known the next time. Throws `slot-lost`.
 *
 * What is not seen: a copy of the server's disk, on the same timeline, that has written more than the server had written before anybody looks.
 * https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-IDENTIFY-SYSTEM
 */
export async function expectSameSource(replication: Replication, known: SourceServer | undefined, seen: SeenChanges): Promise<SourceServer> {
  const { systemId, timeline, walEnd } = await replication.identify();
  refuse(replication, seen, known !== undefined && known.systemId !== systemId ? otherSource(known.systemId, systemId) : earlierSource(walEnd, seen.upTo));
  if (known !== undefined && known.timeline !== timeline) {
    const left = (await replication.timelineHistory(timeline)).find((one) => one.timeline === known.timeline)?.at;
    if (left === undefined || left < seen.upTo) refuse(replication, seen, otherTimeline(timeline, known.timeline, left, seen.upTo));
  }
  return { systemId, timeline };
}

/** A sentence about a source that lies before what was seen of it; undefined where it does not. */
export function earlierSource(position: Lsn, seen: Lsn): string | undefined {
  if (position >= seen) return undefined;
  return `the source is at ${formatLsn(position)}, before ${formatLsn(seen)}, up to which the target has its changes: it was restored from an earlier state, or is a standby that had not received all of them`;
}

function otherSource(known: string, found: string): string {
  return `the source is another server: its system identifier is ${found}, and that of the server that the changes so far came from is ${known}`;
}

function otherTimeline(found: number, known: number, left: Lsn | undefined, seen: Lsn): string {
  if (left === undefined)
    return `the source is on timeline ${found}, which does not come from timeline ${known}, on which the changes so far were made: it is an earlier state of the server, or a copy`;
  return `the source is on timeline ${found}, which has left timeline ${known} at ${formatLsn(left)}, before ${formatLsn(seen)}, up to which the target has its changes: it was restored from an earlier state, or a standby was promoted that had not received all of them`;
}

function refuse({ endpoint }: Pick<Session, "endpoint">, { slot }: SeenChanges, loss: string | undefined): void {
  if (loss !== undefined) throw new GodwitError("slot-lost", `${describeEndpoint(endpoint)}: ${loss}`, { object: slot, advice: ADVICE });
}
