import { parseArgs, type ParseArgsConfig } from "node:util";
import { MAJORS, type Major } from "../src/embedded/binaries.ts";
import { GodwitError } from "../src/errors/godwit-error.ts";

/** What all benchmarks read their options with. Every function throws `usage`, naming the option. */

export const STRING = { type: "string" } as const;
export const FLAG = { type: "boolean", default: false } as const;

/** `parseArgs` of node:util, with its complaints as usage errors. */
export function parseStrictly<Options extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

/** Words with commas between them, each of `allowed`; "all" is all of these. */
export function list<Word extends string>(option: string, text: string, allowed: readonly Word[]): Word[] {
  if (text === "all") return [...allowed];
  return text.split(",").map((word) => {
    const known = allowed.find((candidate) => candidate === word);
    if (known === undefined) throw wrong(`${option}: "${word}" is not one of ${allowed.join(", ")}`);
    return known;
  });
}

export function number(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw wrong(`${option}: "${text}" is not a number of at least ${least}`);
  return value;
}

export function integer(option: string, text: string, least: number): number {
  const value = number(option, text, least);
  if (!Number.isInteger(value)) throw wrong(`${option}: "${text}" is not a whole number`);
  return value;
}

export function major(option: string, text: string | undefined): Major | undefined {
  if (text === undefined) return undefined;
  const known = MAJORS.find((candidate) => String(candidate) === text);
  if (known === undefined) throw wrong(`${option}: "${text}" is not one of ${MAJORS.join(", ")}`);
  return known;
}

export function wrong(message: string): GodwitError {
  return new GodwitError("usage", message, { advice: "npm run bench -- --help lists the options" });
}
