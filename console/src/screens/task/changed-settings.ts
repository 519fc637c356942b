import type { TaskDetail } from "../../api/tasks.ts";
import type { Tags } from "../../ui/tags-field.tsx";

const MEGABYTE = 1_000_000;

/** As the fields of a form hold them; what is no number is an empty field. */
export interface SettingsFields {
  readonly name: string;
  readonly tags: Tags;
  readonly concurrency: number | string;
  /** Megabytes per second. */
  readonly rateLimit: number | string;
}

/** What somebody has changed, and nothing else. Of tags each by itself; null: taken away. */
export interface ChangedSettings extends Partial<Omit<SettingsFields, "tags">> {
  readonly tags?: Readonly<Record<string, string | null>>;
}

type Settings = Pick<TaskDetail, "name" | "tags" | "concurrency" | "rateLimit">;

function fieldsOf({ name, tags, concurrency, rateLimit }: Settings): SettingsFields {
  return { name, tags, concurrency, rateLimit: rateLimit === null ? "" : rateLimit / MEGABYTE };
}

/** A tag may be named `constructor`, too. */
function valueOf(tags: Tags, name: string): string | null {
  return Object.hasOwn(tags, name) ? (tags[name] ?? null) : null;
}

/** What is shown: the task as it is now, with what was changed here. */
export function shownSettings(task: Settings, { tags = {}, ...changed }: ChangedSettings): SettingsFields {
  const all = Object.entries({ ...task.tags, ...tags });
  return { ...fieldsOf(task), ...changed, tags: Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== null)) };
}

/** With fields that were filled in now. What is again as the task has it was not changed. */
export function withFields(task: Settings, changed: ChangedSettings, filled: Partial<SettingsFields>): ChangedSettings {
  const { tags, ...wanted } = { ...shownSettings(task, changed), ...filled };
  const now = fieldsOf(task);
  const others = Object.entries(wanted).filter(([field, value]) => value !== now[field as keyof typeof wanted]);
  const names = [...new Set([...Object.keys(task.tags), ...Object.keys(tags)])];
  const otherTags = names.filter((name) => valueOf(tags, name) !== valueOf(task.tags, name)).map((name) => [name, valueOf(tags, name)]);
  return { ...Object.fromEntries(others), ...(otherTags.length === 0 ? {} : { tags: Object.fromEntries(otherTags) as Record<string, string | null> }) };
}

/** The same as the server is asked. */
export function settingsBody({ name, tags, concurrency, rateLimit }: ChangedSettings): {
  name?: string;
  tags?: Record<string, string | null>;
  concurrency?: number;
  rateLimit?: number | null;
} {
  return {
    ...(name === undefined ? {} : { name: name.trim() }),
    ...(tags === undefined ? {} : { tags }),
    ...(typeof concurrency === "number" ? { concurrency } : {}),
    ...(rateLimit === undefined ? {} : { rateLimit: typeof rateLimit === "number" && rateLimit > 0 ? Math.round(rateLimit * MEGABYTE) : null }),
  };
}
