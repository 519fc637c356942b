import type { MigrationProgress } from "../../task/events.ts";
import type { TaskAction, TaskState } from "../../task/states.ts";
import type { DatabaseChanges } from "../../task/task-changes.ts";
import type { LogLine, NewTask, Task, TaskSettings } from "../../task/task-record.ts";

/** A task as commands show it. */
export interface TaskAnswer {
  readonly task: Task;
  readonly progress: MigrationProgress | undefined;
}

/** Where commands about tasks are answered: a store that this process opens, or a server. Errors are coded, the same from both. */
export interface Desk extends AsyncDisposable {
  /** The task whose id begins so. Throws `task-unknown`, or `usage` when several do. */
  findByPrefix(prefix: string): Promise<string>;
  find(id: string): Promise<TaskAnswer>;
  /** Newest first. */
  list(filter: { readonly states?: readonly TaskState[] | undefined; readonly tags?: Readonly<Record<string, string>> | undefined }): Promise<TaskAnswer[]>;
  /** A draft. Returns its id. */
  create(task: NewTask): Promise<string>;
  act(id: string, action: Exclude<TaskAction, "delete">): Promise<void>;
  delete(id: string): Promise<void>;
  set(id: string, settings: TaskSettings): Promise<void>;
  accept(id: string, checks: readonly string[]): Promise<void>;
  changes(id: string, mostConflicts: number): Promise<readonly DatabaseChanges[]>;
  /** Lines behind the one with the id `after`, oldest first. */
  logs(id: string, query: { readonly after: string; readonly limit: number; readonly debug: boolean }): Promise<readonly LogLine[]>;
  /** Workers that live. */
  workers(): Promise<number>;
}
