import { env } from "node:process";

/**
 * Loaded by `node --import` before Godwit, in processes that tests start (spawn-cli.ts, worker-process.ts): only by it can a process be told to have a defect (`GODWIT_MUTATION=toast as null`), or to die somewhere as
 * by kill -9 (`GODWIT_FAILPOINT=chunk committed`: when it comes by for the first time; `chunk committed 3`: for the third time). See src/errors/armed.ts.
 */
const { GODWIT_MUTATION: mutation, GODWIT_FAILPOINT: failpoint } = env;
Object.assign(globalThis, { [Symbol.for("godwit: armed by a test")]: { mutation, failpoint } });
