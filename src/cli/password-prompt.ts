import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";

/** Where a password is asked: process.stdin and process.stderr, both terminals. */
export interface Attendant {
  readonly input: Readable & { setRawMode(on: boolean): unknown };
  readonly output: { write(text: string): unknown };
}

/** The terminal of the person who started us, if there is one. */
export function findAttendant(): Attendant | undefined {
  return process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined;
}

const ATTEMPTS = 2;

/**
 * The endpoint with a password, asked of the attendant when none was given and the server refuses without (neither the
 * URI nor pgpass has one); twice at most. Without an attendant, or when the server lets us in, it comes back as it is.
 */
export async function withPassword(endpoint: Endpoint, attendant: Attendant | undefined): Promise<Endpoint> {
  if (endpoint.password !== undefined || attendant === undefined) return endpoint;
  if (await letsIn(endpoint)) return endpoint;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const password = await askSecret(`Password of ${describeEndpoint(endpoint)}: `, attendant);
    const completed = { ...endpoint, password };
    if (attempt === ATTEMPTS || (await letsIn(completed))) return completed;
    attendant.output.write("The server refused this password. Once more, please.\n");
  }
  return endpoint;
}

/** False when the password is what is missing; other obstacles are left to the migration itself, which names them. */
async function letsIn(endpoint: Endpoint): Promise<boolean> {
  try {
    await using _session = await openSession(endpoint);
    return true;
  } catch (error) {
    return !(error instanceof GodwitError && error.code === "password-wrong");
  }
}

/** Whether the person at the terminal says yes. Without one nothing is asked: throws `usage`. */
export async function askYes(question: string, attendant: Attendant | undefined, signal: AbortSignal): Promise<boolean> {
  if (attendant === undefined) throw new GodwitError("usage", "there is no terminal to ask at", { object: "--fix", advice: "Give --yes to run the SQL without a question." });
  // No terminal of readline's own: Ctrl-C stays the process's.
  const lines = createInterface({ input: attendant.input, output: process.stderr, terminal: false });
  try {
    return /^y(es)?$/i.test((await lines.question(question, { signal })).trim());
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}

/** Reads one line without echo. Ctrl-C throws `interrupted`. */
async function askSecret(question: string, { input, output }: Attendant): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  input.setEncoding("utf8");
  input.resume();
  let secret = "";
  try {
    return await new Promise<string>((resolve, reject) => {
      input.on("data", (text: string) => {
        for (const letter of text) {
          if (letter === "\r" || letter === "\n" || letter === "\u0004") resolve(secret);
          else if (letter === "\u0003") reject(new GodwitError("interrupted", "no password was given"));
          else if (letter === "\u007f" || letter === "\b") secret = secret.slice(0, -1);
          else if (letter === "\u0015") secret = "";
          else secret += letter;
        }
      });
      input.once("end", () => reject(new GodwitError("interrupted", "no password was given")));
    });
  } finally {
    input.removeAllListeners("data").removeAllListeners("end");
    input.setRawMode(false);
    input.pause(); // or the process would not end
    output.write("\n");
  }
}
