import { GodwitError } from "../src/errors/godwit-error.ts";
import { benchFull } from "./full.ts";
import { USAGE, parseFullBenchOptions } from "./options.ts";

const [kind, ...args] = process.argv.slice(2);
if (kind === undefined || kind === "--help" || args.includes("--help")) {
  process.stdout.write(`${USAGE}\n`);
} else {
  try {
    if (kind !== "full") throw new GodwitError("usage", `"${kind}" is no benchmark: there is "full"`, { advice: "npm run bench -- --help" });
    const allRight = await benchFull(parseFullBenchOptions(args), `npm run bench -- ${process.argv.slice(2).join(" ")}`);
    process.exitCode = allRight ? 0 : 1;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    process.stderr.write(`${error.message}\n${error.advice}\n`);
    process.exitCode = error.exitCode;
  }
}
