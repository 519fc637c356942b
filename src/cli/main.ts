#!/usr/bin/env -S node --max-semi-space-size=16
// --max-semi-space-size (MB): else what lives for a moment, as the changes of a batch, may take 130 MB more of memory, and more time: it is out of the caches.
import { keepCompiledCode } from "./compile-cache.ts";
import { hidePasswords } from "./hide-passwords.ts";

// Before anything else is even loaded: a password in an argument must not stay in the process list.
hidePasswords();
// It names no server, so it would go to both: see `passwords` in the help. node-postgres would read it by itself.
delete process.env["PGPASSWORD"];
keepCompiledCode();

const { run } = await import("./program.ts");
process.exitCode = await run(process.argv.slice(2), process.env);
