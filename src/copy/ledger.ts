import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { endOwnSessions } from "../wire/own-sessions.ts";
import { quoteLiteral } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { inTransaction } from "../wire/transaction.ts";

export const LEDGER_SCHEMA = "godwit";
const TASK = `${LEDGER_SCHEMA}.task`;
const DONE = `${LEDGER_SCHEMA}.done`;
/** The advisory lock of the target database under which a ledger is made. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS */
const MAKING = 1_196_379_654;

/**
 * The ledger lives in the target: whatever is done there is noted in the transaction that does it, so it is there exactly once or not at all,
 * whoever dies when. Each opening begins a new epoch; a note refers to its epoch, so a process that was taken for dead cannot commit
 * anything any more. It is dropped when the migration ends.
 */
export class Ledger {
  readonly #epoch: number;
  readonly #done: Map<string, unknown>;
  readonly #server: string;

  private constructor(epoch: number, done: Map<string, unknown>, server: string) {
    this.#epoch = epoch;
    this.#done = done;
    this.#server = server;
  }

  /** Makes the ledger of a task, or takes it over. Throws `fenced` when it belongs to another task. */
  static async open(target: Session, task: string): Promise<Ledger> {
    const server = describeEndpoint(target.endpoint);
    if (await Ledger.#make(target, task)) return new Ledger(1, new Map(), server);
    const owner = await ledgerOwner(target);
    if (owner !== task) throw new GodwitError("fenced", `${server}: the ledger in schema ${LEDGER_SCHEMA} belongs to another migration (${owner})`);
    await endSessions(target, task);
    // Waits for transactions of the epoch before that are still under way: their notes hold a key lock on this row.
    const [row] = await target.query<{ epoch: number }>(`update ${TASK} set epoch = epoch + 1 returning epoch`);
    const notes = await target.query<{ job: string; value: unknown }>(`select job, value from ${DONE}`);
    return new Ledger(row?.epoch ?? 0, new Map(notes.map(({ job, value }) => [job, value])), server);
  }

  /** False when there is one, be it of this moment: two tasks may come to one target at once. */
  static async #make(target: Session, task: string): Promise<boolean> {
    if ((await ledgerOwner(target)) !== undefined) return false;
    return await inTransaction(target, async () => {
      await target.query(`select pg_catalog.pg_advisory_xact_lock(${MAKING})`);
      if ((await ledgerOwner(target)) !== undefined) return false;
      await target.query(`create schema if not exists ${LEDGER_SCHEMA};
        create table ${TASK} (id text not null, epoch integer primary key);
        create table ${DONE} (job text primary key, epoch integer not null constraint done_epoch_fkey references ${TASK} (epoch) on update cascade,
          value jsonb, at timestamptz not null default pg_catalog.clock_timestamp());
        insert into ${TASK} values (${quoteLiteral(task)}, 1)`);
      return true;
    });
  }

  /** The same epoch in another process, which asks by `isNoted` what is there. */
  static join(target: Endpoint, epoch: number): Ledger {
    return new Ledger(epoch, new Map(), describeEndpoint(target));
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** What is noted at this moment, by whomever. */
  async isNoted(target: Session, job: string): Promise<boolean> {
    const rows = await target.query(`select from ${DONE} where job = $1`, [job]);
    return rows.length > 0;
  }

  /**
   * Throws `connection-lost` when one of these is not noted: sessions do not wait for the disk, so the last moments before a crash of the target are
   * gone with rows and notes, though it had said yes (https://www.postgresql.org/docs/current/wal-async-commit.html).
   */
  async require(target: Session, jobs: readonly string[]): Promise<void> {
    const rows = await target.query<{ job: string }>(`select job from pg_catalog.unnest($1::text[]) job where not exists (select from ${DONE} d where d.job = job.job)`, [jobs]);
    if (rows.length === 0) return;
    throw new GodwitError("connection-lost", `${this.#server}: the server crashed, and lost ${rows.length} pieces of work that it had confirmed; they are done again`);
  }

  /** What was noted before this opening. */
  has(job: string): boolean {
    return this.#done.has(job);
  }

  /** What was noted with a job, before this opening or by it. */
  value(job: string): unknown {
    return this.#done.get(job);
  }

  /** The jobs noted before this opening whose names begin so. */
  jobs(prefix: string): string[] {
    return [...this.#done.keys()].filter((job) => job.startsWith(prefix));
  }

  /** The statement that notes a job; it fails for one that was done already and for an epoch that is over, and takes its transaction with it. */
  noteSql(job: string, value: unknown = null): string {
    return `insert into ${DONE} (job, epoch, value) values (${quoteLiteral(job)}, ${this.#epoch}, ${quoteLiteral(JSON.stringify(value))})`;
  }

  /**
   * Notes a job once it, and all that was committed before it by whomever, is on the target's disk: a crash cannot take it back.
   * https://www.postgresql.org/docs/current/wal-async-commit.html
   */
  async noteOnDisk(target: Session, job: string, value: unknown = null): Promise<void> {
    await inTransaction(target, async () => {
      await target.query("set local synchronous_commit = on");
      await this.note(target, job, value);
    });
  }

  /** With a value, which must be plain data, where a later run wants to know more than that it is done. */
  async note(target: Session, job: string, value: unknown = null): Promise<void> {
    await target.query(`insert into ${DONE} (job, epoch, value) values ($1, $2, $3)`, [job, this.#epoch, JSON.stringify(value)]);
    this.#done.set(job, value);
  }

  /** What was decided when this was first asked for: a run that goes on must decide the same. Plain data only. */
  async remember<T>(target: Session, job: string, decide: () => T): Promise<T> {
    if (this.#done.has(job)) return this.#done.get(job) as T;
    await target.query(`insert into ${DONE} (job, epoch, value) values ($1, $2, $3) on conflict (job) do nothing`, [job, this.#epoch, JSON.stringify(decide())]);
    const [row] = await target.query<{ value: T }>(`select value from ${DONE} where job = $1`, [job]);
    this.#done.set(job, row!.value);
    return row!.value;
  }

  /** Forgets exactly these; `forget` all whose names begin so. */
  async forgetJobs(target: Session, jobs: readonly string[]): Promise<void> {
    for (const job of jobs) this.#done.delete(job);
    await target.query(`delete from ${DONE} where job = any($1::text[])`, [jobs]);
  }

  async forget(target: Session, prefix: string): Promise<void> {
    for (const job of this.jobs(prefix)) this.#done.delete(job);
    await target.query(`delete from ${DONE} where pg_catalog.left(job, ${prefix.length}) = $1`, [prefix]);
  }

  /** The error of a statement that `noteSql` made fail, in words; others pass unchanged. */
  explain(error: unknown): unknown {
    const cause: unknown = error instanceof GodwitError ? error.cause : error;
    const constraint = typeof cause === "object" && cause !== null && "constraint" in cause ? cause.constraint : undefined;
    if (constraint !== "done_epoch_fkey") return error;
    return new GodwitError("fenced", `${this.#server}: another process has taken this migration over`, { cause: error });
  }

  dropSql(): string {
    return `drop table ${DONE}, ${TASK}; drop schema ${LEDGER_SCHEMA}`;
  }
}

/** The task that a target's ledger belongs to; undefined when there is none, "" when nobody has noted it yet, or another account has and this one may not read it. */
export async function ledgerOwner(target: Session): Promise<string | undefined> {
  // By the rows of the catalogs: within a transaction, to_regclass may answer from a cache that has not heard of what others committed meanwhile.
  const [there] = await target.query<{ may: boolean }>(
    `select pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as may
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = 'task'`,
    [LEDGER_SCHEMA],
  );
  if (there === undefined) return undefined;
  if (!there.may) return "";
  const [row] = await target.query<{ id: string }>(`select id from ${TASK}`);
  return row?.id ?? "";
}

/**
 * Ends the other sessions of a task, or those of one lane: they bear its id, and those of a process that died or hangs may hold locks until the
 * server notices. Waits until they are gone.
 */
export async function endSessions(target: Session, task: string, lane?: string): Promise<void> {
  const theirs = "a.application_name = $1 or $2 and pg_catalog.left(a.application_name, pg_catalog.length($1) + 1) = $1 || '/'";
  const values = [sessionName(task, lane), lane === undefined];
  for (let attempt = 0; attempt < ATTEMPTS && (await endOwnSessions(target, theirs, values)) > 0; attempt++) await sleep(10);
}

/** A backend that sits in a system call ends when that does. */
const ATTEMPTS = 500;

/** The application_name of a task's sessions that write to the target: whoever coordinates, or one lane. */
export function sessionName(task: string, lane?: string): string {
  return lane === undefined ? `godwit ${task}` : `godwit ${task}/${lane}`;
}
