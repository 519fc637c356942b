import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Binaries, type SourceMajor, cacheDirectory, findBinaries, serverIdentity } from "./binaries.ts";

const run = promisify(execFile);

export interface ServerOptions {
  readonly major: SourceMajor;
  /** postgresql.conf settings on top of the defaults below. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Settings given on the server's command line, which no ALTER SYSTEM changes. */
  readonly commandLine?: Readonly<Record<string, string | number>>;
  /** Where the data directory is made; a fresh directory below the system's temporary one by default. */
  readonly directory?: string;
  /** Lines put before the default pg_hba.conf. */
  readonly hba?: readonly string[];
}

/** A throw-away PostgreSQL server: it lives as long as this process at most, and leaves nothing behind. */
export interface EmbeddedServer extends AsyncDisposable {
  readonly major: SourceMajor;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Its data directory, socket directory and log live in here. */
  readonly directory: string;
  /** The postmaster's process id at present. */
  readonly pid: number;
  uri(database?: string): string;
  /** Stops (`fast`: clean, `immediate`: like a crash) and starts again on the same data and port. */
  restart(mode?: "fast" | "immediate"): Promise<void>;
  /** Stops the server and removes its directory. */
  stop(): Promise<void>;
}

/** For throw-away data: nothing here survives a power cut, and need not. Callers who measure set fsync on again. */
const DEFAULT_SETTINGS: Readonly<Record<string, string | number>> = {
  fsync: "off",
  full_page_writes: "off",
  listen_addresses: "127.0.0.1",
  max_connections: 100,
  max_wal_senders: 10,
  max_replication_slots: 20,
  password_encryption: "scram-sha-256",
  wal_level: "logical",
  log_timezone: "UTC",
  timezone: "UTC",
};

/** Stands in the pg_hba.conf of initdb since 10. https://www.postgresql.org/docs/10/release-10.html */
const REPLICATION = "host replication all 127.0.0.1/32 md5";

/**
 * Starts a server from a cached template data directory (initdb runs once per version and machine; after that a start
 * takes a fraction of a second). Servers run as an unprivileged uid when we are root.
 * Throws `binaries-missing` or `embedded-failed`.
 */
export async function startServer(options: ServerOptions): Promise<EmbeddedServer> {
  const binaries = await findBinaries(options.major);
  const template = await templateDirectory(binaries);
  const directory = options.directory ?? join(tmpdir(), `godwit-pg-${randomBytes(9).toString("hex")}`);
  const port = await freePort();
  const server = new RunningServer(binaries, directory, port, options.commandLine ?? {}); // from here on somebody cleans up behind us
  try {
    await fillDirectory(template, directory, port, options);
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function fillDirectory(template: string, directory: string, port: number, options: ServerOptions): Promise<void> {
  const data = join(directory, "data");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await cp(template, data, { recursive: true });
  const settings = { ...DEFAULT_SETTINGS, ...(hasScram(options.major) ? {} : { password_encryption: "on" }), ...options.settings, port, unix_socket_directories: directory };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'`);
  await writeFile(join(data, "postgresql.auto.conf"), `${lines.join("\n")}\n`);
  const ahead = [...(options.hba ?? []), ...(options.major < 10 ? [REPLICATION] : [])];
  if (ahead.length > 0) {
    const hba = join(data, "pg_hba.conf");
    await writeFile(hba, `${ahead.join("\n")}\n${await readFile(hba, "utf8")}`);
  }
  await handOver(directory);
}

class RunningServer implements EmbeddedServer {
  readonly host = "127.0.0.1";
  readonly user = "postgres";
  readonly password = randomBytes(12).toString("hex");
  readonly directory: string;
  readonly port: number;
  readonly #binaries: Binaries;
  readonly #arguments: readonly string[];
  /** Started first: nothing is made that nobody would remove. */
  readonly #reaper: ChildProcess;
  #postmaster: ChildProcess | undefined;

  constructor(binaries: Binaries, directory: string, port: number, commandLine: NonNullable<ServerOptions["commandLine"]>) {
    this.#binaries = binaries;
    this.#arguments = Object.entries(commandLine).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.directory = directory;
    this.port = port;
    this.#reaper = spawnReaper(directory);
  }

  get major(): SourceMajor {
    return this.#binaries.major;
  }

  get pid(): number {
    return this.#postmaster?.pid ?? 0;
  }

  uri(database = "postgres"): string {
    return `postgresql://${this.user}:${this.password}@${this.host}:${this.port}/${encodeURIComponent(database)}`;
  }

  async start(): Promise<void> {
    await this.#launch();
    // Over the unix socket, which only this uid and root can reach (its directory is closed to others), no password is asked.
    const client = new Client({ host: this.directory, port: this.port, user: this.user, database: "postgres" });
    await client.connect();
    await client.query(`alter role postgres password '${this.password}'`);
    await client.end();
  }

  async restart(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await this.#halt(mode === "fast" ? "SIGINT" : "SIGQUIT");
    await this.#launch();
  }

  async stop(): Promise<void> {
    await this.#halt("SIGINT");
    const removed = new Promise((resolve) => this.#reaper.once("exit", resolve));
    this.#reaper.ref();
    this.#reaper.stdin?.end(); // the reaper removes the directory
    await removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #launch(): Promise<void> {
    const log = join(this.directory, "server.log");
    const identity = serverIdentity();
    // A shell opens the log: the file then belongs to the server's uid.
    const postmaster = spawn(
      "/bin/sh",
      ["-c", 'log=$1; shift; exec "$0" "$@" >>"$log" 2>&1', this.#binaries.postgres, log, "-D", join(this.directory, "data"), ...this.#arguments],
      {
        ...identity,
        cwd: this.directory,
        stdio: "ignore",
        detached: true, // Ctrl-C in a terminal reaches the process group: the server must outlive our own orderly stop
      },
    );
    this.#postmaster = postmaster;
    const exited = new Promise<"exited">((resolve) => postmaster.once("exit", () => resolve("exited")));
    for (let attempt = 0; attempt < 1000; attempt++) {
      if ((await Promise.race([this.#answers(), exited])) === true) return;
      if (postmaster.exitCode !== null || postmaster.signalCode !== null) break;
      await sleep(20);
    }
    postmaster.kill("SIGKILL");
    const tail = (await readFile(log, "utf8").catch(() => "")).split("\n").slice(-12).join("\n");
    throw new GodwitError("embedded-failed", `PostgreSQL ${this.#binaries.version} did not start in ${this.directory}:\n${tail}`);
  }

  async #answers(): Promise<boolean> {
    const client = new Client({ host: this.directory, port: this.port, user: this.user, database: "postgres" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  }

  async #halt(signal: NodeJS.Signals): Promise<void> {
    const postmaster = this.#postmaster;
    if (postmaster === undefined || postmaster.exitCode !== null || postmaster.signalCode !== null) return;
    const exited = new Promise((resolve) => postmaster.once("exit", resolve));
    postmaster.kill(signal);
    // A fast shutdown writes a checkpoint first; nobody needs one that takes long.
    const impatient = setTimeout(() => postmaster.kill("SIGQUIT"), 5000);
    await exited;
    clearTimeout(impatient);
  }
}

/**
 * A shell that waits for our end of file: when this process dies, however it dies, the server is stopped and its
 * directory removed. An embedded server otherwise survives its parent. It is there before the directory is, and tries again
 * as long as something is left: a server that was just starting may write meanwhile.
 */
function spawnReaper(directory: string): ChildProcess {
  const script = [
    "read -r _",
    'n=0; while [ -e "$0" ] && [ $n -lt 100 ]; do',
    '  pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null)',
    '  [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null',
    '  while [ -n "$pid" ] && [ -e "$0/data/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done',
    '  rm -rf "$0" && continue',
    "  sleep 0.1; n=$((n+1))",
    "done",
  ].join("\n");
  const reaper = spawn("/bin/sh", ["-c", script, directory], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  reaper.unref();
  (reaper.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return reaper;
}

/** Before 10 passwords are hashed by md5 alone. https://www.postgresql.org/docs/10/release-10.html */
function hasScram(major: SourceMajor): boolean {
  return major >= 10;
}

async function templateDirectory(binaries: Binaries): Promise<string> {
  const template = join(cacheDirectory(), "templates", `${process.platform}-${process.arch}-${binaries.version}`);
  if (existsSync(template)) return template;
  await mkdir(dirname(template), { recursive: true, mode: 0o755 });
  const staging = await mkdtemp(`${template}.`);
  await handOver(staging);
  const data = join(staging, "data");
  try {
    await run(
      binaries.initdb,
      ["-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust", `--auth-host=${hasScram(binaries.major) ? "scram-sha-256" : "md5"}`, "-N"],
      {
        ...serverIdentity(),
        cwd: staging,
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      },
    );
    await chmod(staging, 0o755);
    await rename(data, template).catch((error: unknown) => {
      if (!existsSync(template)) throw error;
    });
  } catch (cause) {
    throw new GodwitError("embedded-failed", `initdb of PostgreSQL ${binaries.version} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return template;
}

/** Gives a tree to the uid that servers run as; nothing to do unless we are root. */
async function handOver(directory: string): Promise<void> {
  const identity = serverIdentity();
  if (identity === undefined) return;
  if (existsSync(join(directory, "data"))) await run("chown", ["-R", `${identity.uid}:${identity.gid}`, directory]);
  else await chown(directory, identity.uid, identity.gid);
  await chmod(directory, 0o700);
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new GodwitError("internal", "no port from the system");
  return address.port;
}
