#!/usr/bin/env node
import { keepCompiledCode } from "./compile-cache.ts";
import { hidePasswords } from "./hide-passwords.ts";

// Before anything else is even loaded: a password in an argument must not stay in the process list.
hidePasswords();
// It names no server, so it would go to both: see `passwords` in the help. node-postgres would read it by itself.
delete process.env["PGPASSWORD"];
keepCompiledCode();

const { run } = await import("./program.ts");
process.exitCode = await run(process.argv.slice(2), process.env);
