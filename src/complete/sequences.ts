import { displayName, type Relation } from "../catalog/catalog.ts";
import { readSequences, type SequenceValue, setSequences } from "../copy/sequences.ts";
import { inWritingTransaction } from "../stream/lock-patiently.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Sets the target's sequences to what the source's are now, exactly (last_value and is_called): sequences are in no stream of changes. Only those that differ are
 * touched; each is told with its values before and after. Idempotent. After the drain, and behind a fence nobody draws from them any more.
 */
export async function alignSequences(source: Session, target: Session, sequences: readonly Relation[]): Promise<StepResult> {
  const wanted = await readSequences(source, sequences);
  const there = new Map((await readSequences(target, sequences)).map((value) => [value.name, value]));
  const differing = wanted.filter((value) => !isSame(value, there.get(value.name)));
  if (differing.length > 0) await inWritingTransaction(target, async () => await setSequences(target, differing));
  const names = new Map(sequences.map((sequence) => [quoteQualified(sequence.schema, sequence.name), displayName(sequence)]));
  return {
    aligned: differing.map((value) => ({ object: `sequence ${names.get(value.name) ?? value.name}`, from: describe(there.get(value.name)), to: describe(value) })),
    notes: [],
  };
}

function isSame(one: SequenceValue, other: SequenceValue | undefined): boolean {
  return other !== undefined && one.lastValue === other.lastValue && one.isCalled === other.isCalled;
}

/** "57", or "1 (not drawn yet)". */
function describe(value: SequenceValue | undefined): string {
  if (value === undefined) return "unknown";
  return value.isCalled ? value.lastValue : `${value.lastValue} (not drawn yet)`;
}
