import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { type Command, InvalidArgumentError, Option } from "commander";
import { GodwitError } from "../../errors/godwit-error.ts";
import { maskPasswords } from "../../task/mask-passwords.ts";
import type { CommandContext } from "../command-context.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { type StoreGiven, addStoreOptions, storeLocation } from "../store-options.ts";
import { DAY_MS, RETRY_FOR_MS, keepEndedOption } from "./worker.ts";

interface Given extends StoreGiven {
  readonly listen: { readonly host: string; readonly port: number };
  readonly worker: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly trustProxy?: boolean;
  readonly resetAccess?: boolean;
  readonly keepEnded: number;
  readonly json?: boolean;
}

export function addServeCommand(program: Command, { environment }: CommandContext): void {
  addStoreOptions(program.command("serve").description("the web console and the API, with a worker, until Ctrl-C or SIGTERM"))
    .addOption(new Option("--listen <host:port>", "where it listens").argParser(parseListen).default({ host: "127.0.0.1", port: 7400 }, "127.0.0.1:7400"))
    .option("--no-worker", "work on no tasks: other workers of the same store do (`godwit worker`)")
    .option("--tls-cert <file>", "serve by TLS, with this certificate (PEM, with its chain)")
    .option("--tls-key <file>", "its key (PEM)")
    .option("--trust-proxy", "a proxy in front of it says who asks (X-Forwarded-For, -Proto)")
    .option("--reset-access", "forget all accounts, sessions and tokens, and print a new set-up link")
    .addOption(keepEndedOption())
    .option("--json", "one JSON object per line")
    .action(async (given: Given) => {
      const print = (event: Record<string, string>, text: string): void => {
        const time = new Date().toISOString();
        process.stdout.write(given.json === true ? `${JSON.stringify({ event: "server", time, ...event })}\n` : `${time.slice(11, 19)} ${text}\n`);
      };
      const say = (sentence: string): void => {
        const message = maskPasswords(sentence);
        print({ message }, message);
      };
      const tls = tlsOf(given);
      using interrupt = listenForInterrupt(
        () => say("stops: tasks go on with another worker, or when it is started again"),
        () => say("ended at once: tasks are taken over by another worker, or by the next start"),
      );
      const asked = new Promise<void>((resolve) => interrupt.signal.addEventListener("abort", () => resolve(), { once: true }));
      const { serve } = await import("../../server/serve.ts");
      const server = await serve({
        location: storeLocation(given, environment),
        ...given.listen,
        tls,
        trustsProxy: given.trustProxy === true,
        hasWorker: given.worker,
        resetsAccess: given.resetAccess === true,
        retryForMs: RETRY_FOR_MS,
        keepEndedForMs: given.keepEnded * DAY_MS,
        log: say,
      });
      print({ url: server.url, message: `listens at ${server.url}` }, `listens at ${server.url}; Ctrl-C ends it`);
      if (tls === undefined && given.trustProxy !== true && !/^(127\.|localhost$|::1$)/.test(given.listen.host)) {
        say("passwords travel in clear: anybody in between can read them; use --tls-cert and --tls-key, or a proxy with TLS and --trust-proxy");
      }
      if (server.setupUrl !== undefined)
        print({ setupUrl: server.setupUrl, message: "make the first account" }, `make the first account, an admin, here (once): ${server.setupUrl}`);
      await asked;
      await server.stop();
    });
}

function tlsOf({ tlsCert, tlsKey }: Given): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new GodwitError("usage", "--tls-cert and --tls-key belong together", { object: tlsCert === undefined ? "--tls-cert" : "--tls-key" });
  const tls = { cert: readPem("--tls-cert", tlsCert), key: readPem("--tls-key", tlsKey) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GodwitError("usage", `--tls-cert and --tls-key are no certificate with its key, in PEM: ${why}`, { object: "--tls-cert", cause });
  }
  return tls;
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GodwitError("usage", `${option}: the file cannot be read: ${file}`, { object: option, cause });
  }
}

function parseListen(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits = ""] = /^(?:(?:\[([0-9a-fA-F:]+)\]|([^:\s[\]]+))?:)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) throw new InvalidArgumentError("host:port is wanted, as 127.0.0.1:7400 or [::1]:7400.");
  return { host: bracketed ?? plain ?? "127.0.0.1", port };
}
