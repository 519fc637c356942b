import { setFlagsFromString } from "node:v8";
import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { namingForeignBytes } from "../catalog/foreign-bytes.ts";
import type { ServerError } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { borrowSocket } from "../wire/borrow-socket.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { parseErrorResponse } from "../wire/error-response.ts";
import { readChunks } from "../wire/pooled-reads.ts";
import { quoteQualified } from "../wire/quote.ts";
import { type Session, openSession } from "../wire/session.ts";
import { Bell } from "./bell.ts";
import type { DumpAnswer, DumpJob, DumpRequest, DumpWorkerData } from "./dump-worker.ts";
import { dumpError } from "./dump-error.ts";
import { KEPT_MESSAGE_CHARACTERS } from "./program-output.ts";
import { ServerAnswer } from "./server-answer.ts";

export interface DumpOptions {
  /** An exported snapshot: the structure is then read as of the same moment as the data. */
  readonly snapshot: string | undefined;
  readonly publications: boolean;
  readonly noOwner: boolean;
  readonly noPrivileges: boolean;
  /** pg_dump's planner statistics instead of the structure (target ≥ 18). */
  readonly statisticsOnly?: boolean;
  /** Tables and sequences to pass over. */
  readonly leaveOut?: readonly { readonly schema: string; readonly name: string }[];
  /** A native pg_dump program to use instead of the WebAssembly one. */
  readonly program: string | undefined;
}

/**
 * The structure of one database as pg_dump 18 writes it (it reads servers from 9.2 on:
 * https://www.postgresql.org/docs/current/app-pgdump.html). `--verbose` adds catalog id and dependencies to each header.
 * pg_dump holds ACCESS SHARE locks on all tables while it reads, so that nobody drops one under it.
 * Throws `dump-failed`, `lock-table-full`, `connection-lost`.
 */
export async function dumpStructure(source: Endpoint, options: DumpOptions, signal: AbortSignal): Promise<string> {
  const args = [
    options.statisticsOnly === true ? "--statistics-only" : "--schema-only",
    "--verbose",
    "--encoding=UTF8",
    "--no-subscriptions",
    ...(options.snapshot === undefined ? [] : [`--snapshot=${options.snapshot}`]),
    ...(options.publications ? [] : ["--no-publications"]),
    ...(options.noOwner ? ["--no-owner"] : []),
    ...(options.noPrivileges ? ["--no-privileges"] : []),
    // Quoted names are taken as they are: https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-PATTERNS
    ...(options.leaveOut ?? []).map(({ schema, name }) => `--exclude-table=${quoteQualified(schema, name)}`),
  ];
  const { program } = options;
  if (program !== undefined) return await namingForeignBytes(source, async () => await runNative(program, source, args, signal), true);
  return await namingForeignBytes(source, async () => {
    await using session = await openSession(source, { signal });
    return await runInWorker(session, args, signal);
  });
}

/**
 * pg_dump runs for a second or two, mostly waiting, and uses a part of its functions: compiling each when it is called first, and none a second time, saves a third of a small
 * migration's CPU and a tenth of its time (2 of 9 CPU seconds with 5,000 tables). https://v8.dev/docs/wasm-compilation-pipeline
 */
const WASM_FLAGS = "--wasm-lazy-compilation --wasm-tiering-budget=1000000000";

/** A thread of pg_dump, loaded or about to be. */
interface DumpThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly bell: Bell;
  /** Resolves when it ends, with the reason. */
  readonly ended: Promise<Error>;
}

let spare: DumpThread | undefined;

/** Loads pg_dump for the next `dumpStructure`: that takes a tenth of a second, in which whoever is about to read a structure has other things to wait for. */
export function prepareDump(): void {
  spare ??= startThread();
}

function startThread(): DumpThread {
  const { port1, port2 } = new MessageChannel();
  const bell = new Bell();
  const workerData: DumpWorkerData = { port: port2, bell: bell.memory };
  setFlagsFromString(WASM_FLAGS);
  const worker = new Worker(new URL("./dump-worker.ts", import.meta.url), { workerData, transferList: [port2], stderr: true, stdout: true });
  worker.unref(); // while nobody has taken it, it keeps no process alive
  const ended = new Promise<Error>((resolve) => {
    worker.once("error", resolve).once("exit", (code) => resolve(new Error(`pg_dump's thread ended with code ${code}`)));
  });
  return { worker, port: port1, bell, ended };
}

async function runInWorker(session: Session, args: string[], signal: AbortSignal): Promise<string> {
  const greeting = await readGreeting(session);
  using borrowed = borrowSocket(session);
  const { socket } = borrowed;
  const { worker, port, bell, ended } = spare ?? startThread();
  spare = undefined;
  worker.ref();
  const answer = (message: DumpAnswer): void => {
    // The bytes are handed over, not copied: pg_dump reads whole catalogs in one query.
    port.postMessage(message, "bytes" in message ? [message.bytes] : []);
    bell.ring();
  };
  let lost = false;
  let reported: ServerError | undefined;
  const incoming = new ServerAnswer((body) => (reported = parseErrorResponse(body)));
  const onData = (chunk: Buffer, release: () => void): void => {
    const bytes = incoming.take(chunk);
    release();
    if (bytes !== undefined) answer({ bytes });
  };
  const onLost = (): void => {
    lost = true;
    answer({ lost: true });
  };
  const reading = readChunks(socket, onData);
  socket.on("close", onLost).on("error", onLost);
  try {
    return await new Promise<string>((resolve, reject) => {
      const decoder = new StringDecoder("utf8");
      let dump = "";
      port.on("message", (request: DumpRequest) => {
        if ("piece" in request) dump += decoder.write(request.piece);
        else if ("whole" in request) resolve(dump);
        else if ("failure" in request) reject(dumpError(session.endpoint, { words: request.failure, reported: lost ? CONNECTION_LOST : reported }));
        else if (lost || socket.destroyed) onLost();
        else socket.write(request.bytes);
      });
      void ended.then((cause) => reject(new GodwitError("dump-failed", `${describeEndpoint(session.endpoint)}: reading the structure failed: ${cause.message}`, { cause })));
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      port.postMessage({ args, greeting } satisfies DumpJob);
    });
  } finally {
    reading[Symbol.dispose]();
    socket.off("close", onLost).off("error", onLost);
    socket.destroy(); // pg_dump's transaction and settings are not for anybody else
    port.close();
    await worker.terminate();
  }
}

/** What the server can no longer say. */
const CONNECTION_LOST: ServerError = { code: "08006", message: "the connection broke" };

/** What a server says after authentication; pg_dump's libpq gets it from here, as it never sees the real startup. */
async function readGreeting(session: Session): Promise<Uint8Array> {
  const names = ["server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes"];
  const rows = await session.query<{ name: string; value: string }>(
    `select name, pg_catalog.current_setting(name) as value from pg_catalog.unnest(array['${names.join("','")}', 'standard_conforming_strings']) as name`,
  );
  const parameters = rows.map(({ name, value }) => message("S", Buffer.from(`${name}\0${value}\0`)));
  return Buffer.concat([message("R", Buffer.from([0, 0, 0, 0])), ...parameters, message("K", Buffer.alloc(8)), message("Z", Buffer.from("I"))]);
}

function message(tag: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

async function runNative(program: string, source: Endpoint, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { tls } = source;
  if (tls.rootCertificate !== undefined || tls.certificate !== undefined) {
    throw new GodwitError("usage", "--pg-dump cannot be used together with certificate files", { object: "--pg-dump" });
  }
  const environment = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    PGPASSFILE: source.passFile,
    PGSSLMODE: tls.mode,
    ...(tls.direct ? { PGSSLNEGOTIATION: "direct" } : {}),
    ...(tls.channelBinding ? { PGCHANNELBINDING: "require" } : {}),
    PGHOST: source.host,
    PGPORT: String(source.port),
    PGUSER: source.user,
    PGDATABASE: source.database,
    ...(source.password === undefined ? {} : { PGPASSWORD: source.password }),
  };
  const child = spawn(program, [...args, "--no-password"], { env: environment, signal, stdio: ["ignore", "pipe", "pipe"] });
  let dump = "";
  let messages = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (dump += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (messages = (messages + text).slice(-KEPT_MESSAGE_CHARACTERS)));
  return await new Promise<string>((resolve, reject) => {
    child.once("error", (cause) => reject(signal.aborted ? (signal.reason as Error) : dumpError(source, { words: `${program} could not be run`, program, cause })));
    child.once("close", (code, killedBy) => {
      if (code === 0 && DUMP_END.test(dump)) resolve(dump);
      else if (code === 0) reject(dumpError(source, { words: `${program} ended well, but what it wrote is no pg_dump output, or not all of it`, program }));
      else reject(dumpError(source, { words: messages === "" ? `${program} ended with ${killedBy ?? `code ${code}`}` : messages, program }));
    });
  });
}

/** pg_dump's last words in plain format, in every version and language. */
const DUMP_END = /^-- PostgreSQL database dump complete$/m;
