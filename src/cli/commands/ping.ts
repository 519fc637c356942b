import type { Command } from "commander";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { PingStep } from "../../precheck/ping.ts";
import { maskPasswords } from "../../task/mask-passwords.ts";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { INTERRUPTED, listenForInterrupt } from "../interrupt.ts";
import { findAttendant, withPassword } from "../password-prompt.ts";
import { type Paint, paintWith, wantsColour, wrap } from "../render/output.ts";
import { givenEndpoint } from "../task-options.ts";

const SIDES = ["source", "target"] as const;

export function addPingCommand(program: Command, { environment, exit }: CommandContext): void {
  program
    .command("ping")
    .description("test the way to the servers step by step: name, TCP, TLS, login, database, replication connection")
    .option("--source <uri>", "the server and database to read (or GODWIT_SOURCE)")
    .option("--target <uri>", "the server and database to write (or GODWIT_TARGET)")
    .option("--json", "one JSON object per line; the last is the summary")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: { source?: string; target?: string; json?: boolean }) => {
      const endpoints = SIDES.flatMap((side) => givenEndpoint(side, given[side], environment) ?? []);
      if (endpoints.length === 0) throw new GodwitError("usage", "no server: give --source URI, --target URI or both", { object: "ping" });
      const { ping } = await import("../../precheck/ping.ts"); // not needed for --help and usage errors
      using interrupt = listenForInterrupt();
      const paint = paintWith(wantsColour(process.stdout, environment));
      const started = performance.now();
      let failed = 0;
      const write = (line: string): void => void process.stdout.write(`${maskPasswords(line)}\n`);
      try {
        for (const endpoint of endpoints) {
          const complete: Endpoint = await withPassword(endpoint, findAttendant());
          if (given.json !== true) write(describeEndpoint(complete));
          for await (const step of ping(complete, interrupt.signal)) {
            if (step.result === "failed") failed++;
            for (const line of given.json === true ? [JSON.stringify({ event: "ping", ...step })] : stepLines(step, paint)) write(line);
          }
        }
      } catch (error) {
        if (!interrupt.signal.aborted) throw error;
        exit(INTERRUPTED);
        return;
      }
      if (given.json === true)
        write(JSON.stringify({ event: "summary", state: failed === 0 ? "succeeded" : "checkFailed", failed, seconds: (performance.now() - started) / 1000 }));
      exit(failed === 0 ? 0 : 1);
    });
}

const MARKS: Readonly<Record<PingStep["result"], string>> = { passed: "✓", skipped: "-", alarm: "!", failed: "✗" };

function stepLines({ step, result, milliseconds, detail, advice, code }: PingStep, paint: Paint): string[] {
  const mark = { passed: paint.good, skipped: paint.dim, alarm: paint.warn, failed: paint.bad }[result](MARKS[result]);
  const lines = [`  ${mark} ${step.padEnd(11)} ${String(milliseconds).padStart(5)} ms  ${detail}${code === undefined ? "" : ` [${code}]`}`];
  return advice === undefined ? lines : [...lines, ...wrap(advice, 90).map((line) => `      ${line}`)];
}
