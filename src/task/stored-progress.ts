import type { MigrationProgress } from "./events.ts";

type Lane = MigrationProgress["lanes"] extends Map<number, infer L> ? L : never;

/** The figures of a migration as JSON keeps them. */
export type StoredProgress = Omit<MigrationProgress, "lanes"> & { readonly lanes: readonly (readonly [number, Lane])[] };

export function toStored(progress: MigrationProgress): StoredProgress {
  return { ...progress, lanes: [...progress.lanes] };
}

export function fromStored(stored: StoredProgress): MigrationProgress {
  return { ...stored, lanes: new Map(stored.lanes) };
}
