import type { DescribedError } from "../errors/godwit-error.ts";
import type { MigrationSummary } from "./events.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import type { Standing, TaskAction, TaskEvent, TaskState } from "./states.ts";

/** What a task was asked to do; the endpoints are kept apart, sealed. */
export type TaskOptions = Omit<MigrationOptions, "source" | "target" | "concurrency"> & {
  /** How long passing errors are tried again; undefined: as long as the worker does by itself. */
  readonly retryForMs?: number;
};

/** Why a task failed, or tries again. */
export type TaskError = DescribedError;

/** A check whose alarm an operator has accepted for one task: whatever it says, it does not stop that task. */
export interface AcceptedAlarm {
  readonly check: string;
  /** `user@machine` of whoever said so. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

/** A task as the store knows it; holds no secret. */
export interface Task extends Standing {
  readonly id: string;
  readonly name: string;
  /** `source user@host:port/database`. */
  readonly source: string;
  readonly target: string;
  readonly options: TaskOptions;
  readonly tags: Readonly<Record<string, string>>;
  readonly step: string | null;
  /** The checks are all that was asked for: every run until the next start ends behind them. */
  readonly onlyCheck: boolean;
  readonly accepted: readonly AcceptedAlarm[];
  /** How often it was started. */
  readonly run: number;
  /** Paused, with its snapshot held: resumed, it goes on in the middle of the copy. */
  readonly isHeld: boolean;
  readonly concurrency: number;
  /** Bytes per second over all lanes; null: no limit. */
  readonly rateLimit: number | null;
  readonly scheduledAt: Date | null;
  readonly error: TaskError | null;
  readonly nextTryAt: Date | null;
  /** What the run that succeeded has moved. */
  readonly summary: MigrationSummary | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly allowedActions: readonly TaskAction[];
}

export interface NewTask {
  readonly name?: string;
  readonly options: MigrationOptions;
  readonly tags?: Readonly<Record<string, string>>;
  /** null: at once; of a task that is replaced, left out: as it was. */
  readonly scheduledAt?: Date | null;
  /** null: no limit. */
  readonly rateLimit?: number | null;
  readonly retryForMs?: number;
  readonly accepted?: readonly AcceptedAlarm[];
}

/** Settings that may change at any time. */
export interface TaskSettings {
  readonly name?: string;
  readonly concurrency?: number;
  readonly rateLimit?: number | null;
  /** null takes a tag away. */
  readonly tags?: Readonly<Record<string, string | null>>;
}

/** What an event changes besides the state. */
export interface TaskChange {
  readonly step?: string | null;
  readonly error?: TaskError | null;
  readonly nextTryAt?: Date | null;
  readonly isHeld?: boolean;
  readonly summary?: MigrationSummary;
}

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  /** All of these. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface LogLine {
  readonly id: string;
  readonly at: Date;
  /** debug: each object that was made. */
  readonly level: "debug" | "info" | "warning" | "error";
  readonly message: string;
  readonly event: unknown;
}

export type NewLogLine = Pick<LogLine, "at" | "level" | "message" | "event">;

/** The event of a log line that tells of a change of state. */
export interface StateEvent {
  readonly event: "state";
  readonly from: TaskState;
  readonly to: TaskState;
  readonly because: TaskEvent;
  readonly error?: TaskError;
  /** ISO 8601. */
  readonly nextTryAt?: string;
}
