import type { MigrationProgress } from "./events.ts";
import type { Rates } from "./rate-meter.ts";

type Lane = MigrationProgress["lanes"] extends Map<number, infer L> ? L : never;

/** The figures of a migration as JSON keeps them. */
export type StoredProgress = Omit<MigrationProgress, "lanes"> & {
  readonly lanes: readonly (readonly [number, Lane])[];
  /** As whoever runs it has measured them; not there in what older versions have written. */
  readonly rates?: Rates;
};

export function toStored(progress: MigrationProgress, rates: Rates): StoredProgress {
  return { ...progress, lanes: [...progress.lanes], rates };
}

export function fromStored({ rates: _rates, ...stored }: StoredProgress): MigrationProgress {
  return { ...stored, lanes: new Map(stored.lanes) };
}
