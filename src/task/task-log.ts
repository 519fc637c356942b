import type { MigrationEvent } from "./events.ts";
import { maskEvent } from "./mask-passwords.ts";
import type { NewLogLine } from "./task-record.ts";
import type { TaskStore } from "./task-store.ts";

/** How long lines are gathered before they are written together. */
const GATHER_MS = 50;

/** Events come faster than they could be written one by one (thousands of objects in a second), and must be written in their order. */
export class TaskLog {
  readonly #tasks: TaskStore;
  readonly #id: string;
  #gathered: NewLogLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(tasks: TaskStore, id: string) {
    this.#tasks = tasks;
    this.#id = id;
  }

  add(event: MigrationEvent): void {
    if (event.event === "summary") return;
    const shown = maskEvent(event);
    this.#gathered.push({ at: new Date(), level: levelOf(shown), message: sentence(shown), event: shown });
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** Does something as soon as all that was added before is written. */
  behind(work: () => Promise<void>): void {
    this.#flush();
    this.#then(work);
  }

  /** Throws what made writing impossible. */
  async written(): Promise<void> {
    this.#flush();
    await this.#last;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#gathered;
    this.#gathered = [];
    if (lines.length > 0) this.#then(async () => await this.#tasks.logAll(this.#id, lines));
  }

  #then(work: () => Promise<void>): void {
    this.#last = this.#last.then(work);
    this.#last.catch(() => undefined); // told by written()
  }
}

/** The moment that an operator waits for. */
export function writableText(database: string): string {
  return `database ${database}: everything is on the target, which may be written to from here on`;
}

type Told = Exclude<MigrationEvent, { event: "summary" }>;

function levelOf(event: Told): NewLogLine["level"] {
  if (event.event === "object") return "debug";
  if (event.event === "notice") return event.level;
  return event.event === "difference" || event.event === "error" ? "error" : "info";
}

function sentence(event: Told): string {
  switch (event.event) {
    case "check":
      return `${event.item.id}, ${event.item.scope}: ${event.item.result}`;
    case "table":
      return `copied ${event.table}: ${event.rows} rows in ${event.seconds.toFixed(1)} s`;
    case "object":
      return `made ${event.kind.toLowerCase()} ${event.name}`;
    case "difference":
      return `differs: ${event.database}: ${event.table}: ${event.reason}`;
    case "step":
      return `${event.step}${event.database === undefined ? "" : ` ${event.database}`}: ${event.state}${event.seconds === undefined ? "" : ` in ${event.seconds.toFixed(1)} s`}`;
    case "writable":
      return writableText(event.database);
    default:
      return event.message;
  }
}
