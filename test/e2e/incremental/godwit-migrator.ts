import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningCli, jsonLines, runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { stopPostmaster } from "../../../src/engine/postmaster.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";
import { MigrationFailed, type MigrationSite, type Migrator, type RunningMigration } from "./migrator.ts";

/** Everything that is agreed with the command line is in this file. */

/** For each of: begin, catch up, complete. Seconds, where the machine has nothing else to do. */
const PATIENCE_MS = 240_000;
/** The command is started again after it was killed, in between at once. */
const LOOK_EVERY_MS = 100;

/** Of migrations that ended well: making a store takes longer than all else. */
const idleDirectories: string[] = [];

/** The product, as people use it: `godwit migrate`, and `godwit task complete` from another terminal. */
export const godwit: Migrator = {
  name: "godwit",
  isNative: false,
  start: async (site) => {
    await using stack = new AsyncDisposableStack();
    const migration = stack.use(new GodwitMigration(site));
    await migration.began();
    stack.move();
    return migration;
  },
};

/** One --json line of `godwit migrate`. */
interface Told {
  readonly event: string;
  readonly step?: string;
  readonly state?: string;
  readonly code?: string;
  readonly message?: string;
  readonly followed?: { readonly changes: { readonly received: number; readonly applied: number; readonly skipped: number; readonly conflicts: readonly string[] } };
}

class GodwitMigration implements RunningMigration {
  readonly #site: MigrationSite;
  readonly #directory = idleDirectories.pop() ?? newStateDirectory();
  /** Every process of it, the last one at work. */
  readonly #processes: RunningCli[] = [];
  /** What processes told that have ended. */
  #toldBefore: Told[] = [];
  #isKilling = false;
  #deaths = 0;
  #isComplete = false;

  constructor(site: MigrationSite) {
    this.#site = site;
    this.#spawn(site.environment);
  }

  deaths = (): number => this.#deaths;

  async began(): Promise<void> {
    await this.#until("plan", (told) => told.some(({ event, step }) => event === "step" && (step === "structure" || step === "copy")));
  }

  async waitSyncing(): Promise<void> {
    await this.#until("catch up", (told) => told.some(({ event, step, state }) => (event === "step" && step === "sync") || (event === "state" && state === "readyToComplete")));
  }

  /** It may not be caught up yet, or just be started again: then `complete` is refused for the moment. */
  async complete(): Promise<void> {
    await this.waitSyncing();
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const [task] = jsonLines((await this.#task("list")).stdout || "{}"); // newest first
      const { code, stdout, stderr } = await this.#task("complete", String(task?.["id"]));
      if (code === 0) break;
      this.#refuseFailure();
      await this.#restartIfKilled();
      if (performance.now() > deadline) throw new MigrationFailed("", `complete is refused: ${stdout}${stderr}`);
      await sleep(300);
    }
    await this.#until("complete", (told) => told.some(({ event, state }) => event === "summary" && state === "succeeded"));
    const { code, stdout, stderr } = await this.#last().finished;
    if (code !== 0) throw new MigrationFailed("", `migrate ended with ${code}: ${stdout}${stderr}`);
    this.#refuseLoss();
    this.#isComplete = true;
  }

  async kill(): Promise<void> {
    this.#isKilling = true;
    this.#last().process.kill("SIGKILL");
    await this.#restartIfKilled();
    this.#isKilling = false;
  }

  async workOn(ms: number): Promise<void> {
    const worker = spawnCli(["worker", "--dir", this.#directory], { ...this.#site.environment });
    await sleep(ms);
    worker.process.kill("SIGTERM");
    await worker.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isKilling = true;
    const { process, finished } = this.#last();
    process.kill("SIGKILL");
    await finished;
    await stopPostmaster(join(this.#directory, "store", "data"));
    if (this.#isComplete) idleDirectories.push(this.#directory);
  }

  #last(): RunningCli {
    return this.#processes.at(-1)!;
  }

  #spawn(environment: Readonly<Record<string, string>>): void {
    const { sourceUri, targetUri, isFenced } = this.#site;
    const args = [
      "migrate",
      "--type",
      "full+incremental",
      "--source",
      sourceUri,
      "--target",
      targetUri,
      "--yes",
      "--json",
      "--dir",
      this.#directory,
      ...(isFenced ? ["--fence"] : []),
    ];
    this.#processes.push(spawnCli(args, { ...environment }));
  }

  async #task(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return await runCli(["task", ...args, "--json", "--dir", this.#directory]);
  }

  /** What was told so far, by all processes. */
  #told(): Told[] {
    const whole = this.#last().output().stdout.split("\n").slice(0, -1).join("\n");
    return [...this.#toldBefore, ...(whole === "" ? [] : (jsonLines(whole) as unknown as Told[]))];
  }

  /** As after a crash: the same command once more; what was armed has done its work. */
  async #restartIfKilled(): Promise<void> {
    const { process, finished } = this.#last();
    if (process.signalCode === null && !process.killed) return;
    await finished;
    if (!this.#isKilling) this.#deaths++;
    this.#toldBefore = this.#told();
    const { GODWIT_FAILPOINT: _armed, ...environment } = this.#site.environment;
    this.#spawn(environment);
  }

  #refuseFailure(): void {
    const told = this.#told();
    const failure = told.findLast(({ event }) => event === "error");
    if (failure === undefined || this.#last().process.exitCode === null) return;
    const before = told.flatMap(({ event, message }) => (event !== "error" && message !== undefined ? [message] : [])).slice(-3);
    throw new MigrationFailed(failure.code ?? "", `${failure.message} (before: ${before.join("; ")})`);
  }

  /** The task's own account adds up: every change that was received was applied, also what processes received that were killed. */
  #refuseLoss(): void {
    const { received, applied, skipped, conflicts } = this.#told().findLast(({ followed }) => followed !== undefined)!.followed!.changes;
    if (received > 0 && received === applied && skipped === 0 && conflicts.length === 0) return;
    throw new MigrationFailed("", `the account does not add up: ${received} received, ${applied} applied, ${skipped} skipped, ${conflicts.join("; ")}`);
  }

  async #until(what: string, holds: (told: readonly Told[]) => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      if (holds(this.#told())) return;
      this.#refuseFailure();
      const { process, finished } = this.#last();
      if (process.exitCode !== null) throw new MigrationFailed("", `migrate ended by itself: ${(await finished).stderr}`);
      if (process.signalCode !== null && !this.#isKilling) await this.#restartIfKilled();
      if (performance.now() > deadline) throw new MigrationFailed("", `migrate does not get through with ${what}: ${JSON.stringify(this.#told().slice(-5))}`);
      await sleep(LOOK_EVERY_MS);
    }
  }
}
