import { displayName, type NamedRelation } from "../catalog/catalog.ts";
import { readSequences, type SequenceValue, setSequences } from "../copy/sequences.ts";
import { mutation } from "../errors/mutation.ts";
import { inWritingTransaction } from "../source/lock-patiently.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Sets the target's sequences to what the source's are now, exactly (last_value and is_called): sequences are in no stream of changes. Only those that differ are
 * touched; each is told with its values before and after. Idempotent. After the drain, and behind a fence nobody draws from them any more.
 */
export async function alignSequences(source: Session, target: Session, sequences: readonly NamedRelation[]): Promise<StepResult> {
  const wanted = mutation("sequences from max") ? await readMaxima(source, sequences) : await readSequences(source, sequences);
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

/** What others do: the defect of a test. */
async function readMaxima(source: Session, sequences: readonly NamedRelation[]): Promise<SequenceValue[]> {
  const values = await readSequences(source, sequences);
  return await Promise.all(
    values.map(async (value) => {
      const [owner] = await source.query<{ sql: string }>(
        `select pg_catalog.format('select pg_catalog.max(%I)::text as max from %s', a.attname, d.refobjid::regclass) as sql from pg_catalog.pg_depend d
           join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid where d.objid = $1::regclass and d.deptype in ('a', 'i')`,
        [value.name],
      );
      const [row] = owner === undefined ? [] : await source.query<{ max: string | null }>(owner.sql);
      return { ...value, lastValue: row?.max ?? value.lastValue, isCalled: true };
    }),
  );
}
