import type { NamedRelation } from "../catalog/catalog.ts";
import { quoteLiteral, quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

export interface SequenceValue {
  /** Quoted, qualified. */
  readonly name: string;
  readonly lastValue: string;
  readonly isCalled: boolean;
}

const PER_QUERY = 200;

/**
 * Reads last_value and is_called of sequences as they are now: sequences are not part of any snapshot.
 * Never derived from max(id): gaps, descending and cycling sequences would come out wrong.
 */
export async function readSequences(source: Session, sequences: readonly NamedRelation[]): Promise<SequenceValue[]> {
  const values: SequenceValue[] = [];
  for (let from = 0; from < sequences.length; from += PER_QUERY) {
    const part = sequences.slice(from, from + PER_QUERY).map((sequence) => quoteQualified(sequence.schema, sequence.name));
    const selects = part.map((name) => `select ${quoteLiteral(name)}::text as name, last_value::text as "lastValue", is_called as "isCalled" from ${name}`);
    values.push(...(await source.query<SequenceValue>(selects.join(" union all "))));
  }
  return values;
}

/** Sets sequences on the target to exactly these values. */
export async function setSequences(target: Session, values: readonly SequenceValue[]): Promise<void> {
  for (let from = 0; from < values.length; from += PER_QUERY) {
    const calls = values.slice(from, from + PER_QUERY).map(({ name, lastValue, isCalled }) => `pg_catalog.setval(${quoteLiteral(name)}, ${lastValue}, ${isCalled})`);
    await target.query(`select ${calls.join(", ")}`);
  }
}
