import { existsSync, mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Node keeps what it made of our TypeScript and our dependencies, and reads that at the next start: it halves the CPU time of a start.
 * In the user's own home, not in Node's default below the shared temporary directory: what lies there is run as code.
 * Where it cannot be kept, everything goes on without. https://nodejs.org/docs/latest-v24.x/api/module.html#module-compile-cache
 */
export function keepCompiledCode(): void {
  try {
    enableCompileCache(process.env["NODE_COMPILE_CACHE"] ?? ownDirectory());
  } catch {
    // no home, a read-only one, no room: slower, and nothing else
  }
}

/** Made step by step: where a directory cannot be made at all, Node's own recursive way never ends (Linux: below /proc). */
function ownDirectory(): string {
  const caches = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return [caches, join(caches, "godwit"), join(caches, "godwit", "compiled")].map((directory) => {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
    return directory;
  })[2] as string;
}
