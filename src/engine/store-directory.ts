import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Binaries, serverIdentity } from "../embedded/binaries.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { isAlive } from "./postmaster.ts";

const run = promisify(execFile);

/** Where the parts of an embedded store are: all below `<dir>/store`. */
export interface StoreDirectory {
  /** PostgreSQL's data directory. */
  readonly data: string;
  readonly log: string;
  /** Of the role postgres; its file has mode 0600. */
  readonly password: string;
}

/** Made for a small database that must not lose a commit: fsync and synchronous_commit keep their default, on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "", // a socket's path has room for 107 bytes only
  max_connections: "300",
  shared_buffers: "64MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * The store of a state directory, made when there is none. Several processes may come at once: each makes one beside, renaming lets one win.
 * Throws `store-foreign`, `store-unusable` or `embedded-failed`.
 */
export async function prepareStoreDirectory(dir: string, binaries: Binaries): Promise<StoreDirectory> {
  const home = await openDirectory(resolve(dir));
  const store = join(home, "store");
  const found = await readStore(store, binaries);
  if (found !== undefined) return found;
  await removeDeadDrafts(home);
  const draft = join(home, `store.${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await makeStore(draft, binaries);
    await rename(draft, store).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const made = await readStore(store, binaries);
  if (made === undefined) throw new GodwitError("internal", `the store vanished: ${store}`);
  syncLater(made.data, binaries);
  return made;
}

/** As root the server runs as another user: that one must be able to come here. */
async function openDirectory(dir: string): Promise<string> {
  const identity = serverIdentity();
  const home = await makeDirectory(dir, identity === undefined ? 0o700 : 0o711).then(
    async () => await realpath(dir),
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EEXIST" || cause.code === "ENOTDIR") throw new GodwitError("store-foreign", `${dir} is not a directory`, { object: dir, cause });
      throw new GodwitError("store-unusable", `${dir} cannot be made: ${cause.message}`, { object: dir, cause });
    },
  );
  const entries = await readdir(home).catch((cause: NodeJS.ErrnoException) => {
    throw new GodwitError("store-unusable", `${dir} cannot be read: ${cause.message}`, { object: dir, cause });
  });
  if (entries.includes("PG_VERSION")) throw new GodwitError("store-foreign", `${dir} is the data directory of a PostgreSQL server`, { object: dir });
  if (identity !== undefined) await requireOpenPath(home, identity);
  return home;
}

/** With its parents, step by step: where a directory cannot be made at all, Node's own recursive way never ends (Linux: below /proc). */
async function makeDirectory(dir: string, mode: number): Promise<void> {
  try {
    await mkdir(dir, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(dir)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(dir) === dir) throw error;
    await makeDirectory(dirname(dir), mode);
    await mkdir(dir, { mode });
  }
}

async function requireOpenPath(home: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  for (let at = home; at !== dirname(at); at = dirname(at)) {
    const facts = await stat(at);
    const mayEnter = facts.uid === uid ? 0o100 : facts.gid === gid ? 0o010 : 0o001;
    if ((facts.mode & mayEnter) !== 0) continue;
    throw new GodwitError("store-unusable", `${home}: the store's server does not run as root but as user ${uid}, who may not enter ${at}`, { object: home });
  }
}

async function readStore(store: string, binaries: Binaries): Promise<StoreDirectory | undefined> {
  const foreign = (why: string, cause?: unknown): GodwitError => new GodwitError("store-foreign", `${store}: ${why}`, { object: store, cause });
  const data = join(store, "data");
  const owner = await stat(store).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw foreign(cause.message, cause);
  });
  if (owner === undefined) return undefined;
  const expected = serverIdentity()?.uid ?? process.getuid?.();
  if (expected !== undefined && owner.uid !== expected) throw foreign(`belongs to user ${owner.uid}, and the store's server would run as user ${expected}`);
  const version = await readFile(join(data, "PG_VERSION"), "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw foreign("is not a store of Godwit", cause);
  });
  if (version.trim() !== String(binaries.major)) throw foreign(`is of PostgreSQL ${version.trim()}, this Godwit's store is of ${binaries.major}`);
  const password = await readFile(join(store, "password"), "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw foreign(`its file password cannot be read: ${cause.message}`, cause);
  });
  return { data, log: join(store, "server.log"), password: password.trim() };
}

async function makeStore(draft: string, binaries: Binaries): Promise<void> {
  const identity = serverIdentity();
  const passwordFile = join(draft, "password");
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600 });
    if (identity !== undefined) for (const path of [draft, passwordFile]) await chown(path, identity.uid, identity.gid);
  } catch (cause) {
    throw new GodwitError("store-unusable", `${dirname(draft)} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { object: dirname(draft), cause });
  }
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const login = ["-U", "postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  // Without waiting for the disk (-N), which is brought behind by syncLater.
  await run(binaries.initdb, ["-D", join(draft, "data"), "-E", "UTF8", "--locale=C.UTF-8", "-N", "--no-instructions", ...login, ...settings], {
    ...identity,
    cwd: draft,
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  }).catch((cause: Error) => {
    throw new GodwitError("embedded-failed", `initdb of the store failed: ${cause.message}`, { object: draft, cause });
  });
  await chmod(passwordFile, 0o600);
}

/** The server only syncs what it changes: the files initdb made must reach the disk too, but nobody needs to wait for that. */
function syncLater(data: string, binaries: Binaries): void {
  const child = spawn(binaries.initdb, ["--sync-only", "-D", data], { ...serverIdentity(), cwd: data, stdio: "ignore", detached: true });
  child.once("error", () => undefined);
  child.unref();
}

/** What a process left that was killed in the middle of making a store. */
async function removeDeadDrafts(home: string): Promise<void> {
  for (const entry of await readdir(home)) {
    const pid = /^store\.(\d+)-[0-9a-f]{8}$/.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(home, entry), { recursive: true, force: true });
  }
}
