import { readFileSync, statSync } from "node:fs";
import { type Document, LineCounter, isMap, isScalar, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { GodwitError } from "../errors/godwit-error.ts";
import { didYouMean } from "./closest-name.ts";
import { type Plan, planFileSchema, planJsonSchema } from "../task/plan-schema.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Path = readonly PropertyKey[];

/**
 * Reads a plan file (YAML 1.2). Every text may hold `${NAME}`, replaced from `environment`; `$${` stands for `${`.
 * Throws `plan-invalid` with the file, the line and the key; never with a value, which may be a password.
 */
export function readPlanFile(file: string, environment: Environment): Plan {
  return parsePlan(file, readPlain(file), environment);
}

/** Nobody writes a plan of this size; what is larger is some other file. */
const MOST_BYTES = 1024 * 1024;

/** The text of a plain file of sensible size: a FIFO would keep us waiting for a writer, a device may never end. */
function readPlain(file: string): string {
  const unreadable = (why: string, cause?: unknown): GodwitError =>
    new GodwitError("plan-invalid", `${file}: the plan file cannot be read (${why})`, { object: file, advice: "Check the path and the rights of the file.", cause });
  try {
    const facts = statSync(file);
    if (facts.isDirectory()) throw unreadable("it is a directory");
    if (!facts.isFile()) throw unreadable("it is not a plain file");
    if (facts.size > MOST_BYTES) throw unreadable("it has more than 1 MB");
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw cause instanceof GodwitError ? cause : unreadable(errnoOf(cause), cause);
  }
}

/** Parses the text of a plan file; `file` is for messages. */
export function parsePlan(file: string, text: string, environment: Environment): Plan {
  const lines = new LineCounter();
  // prettyErrors would quote the line, password and all.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) throw invalid(file, lines.linePos(broken.pos[0]).line, "", broken.message);
  replaceReferences(document, environment, (offset, why) => invalid(file, lines.linePos(offset).line, "", why));
  const checked = planFileSchema.safeParse(toPlain(document, file) ?? {});
  if (checked.success) return checked.data;
  const issue = innermost(checked.error.issues[0]!);
  throw invalid(file, lines.linePos(offsetOf(document, issue)).line, keyPath(issue.path), explain(issue));
}

/** An alias that names nothing (an unquoted password that begins with *), or too many of them; the error's text quotes it. */
function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch {
    throw invalid(file, 1, "", "an alias (*name) cannot be resolved; a text that begins with * or & must be quoted");
  }
}

/** Puts the environment into every text of the document (not into keys). */
function replaceReferences(document: Document, environment: Environment, fail: (offset: number, why: string) => GodwitError): void {
  visit(document, {
    Scalar(position, node, ancestors) {
      if (position === "key" || typeof node.value !== "string" || !node.value.includes("${")) return;
      const whole = /^\$\{[^}]*\}$/.test(node.value);
      const text = node.value.replaceAll(/\$\$\{|\$\{([^}]*)\}|\$\{/g, (reference: string, name: string | undefined) => {
        if (reference === "$${") return "${";
        if (name === undefined || !/^[A-Za-z_]\w*$/.test(name))
          throw fail(node.range?.[0] ?? 0, "a ${…} reference is not the name of an environment variable (write $${ for a literal ${)");
        const value = environment[name];
        if (value === undefined) throw fail(node.range?.[0] ?? 0, `environment variable ${name} is not set`);
        return value;
      });
      const pair = ancestors.at(-1);
      const key = typeof pair === "object" && "key" in pair && isScalar(pair.key) ? String(pair.key.value) : "";
      node.value = whole && PLAIN_KEYS.has(key) && /^(true|false|\d+)$/.test(text) ? (JSON.parse(text) as boolean | number) : text;
    },
  });
}

/** Keys whose value is a number or a boolean: an environment variable is a text, and is read as what the key wants. */
const PLAIN_KEYS: ReadonlySet<string> = plainKeys(planJsonSchema());

function plainKeys(schema: unknown, found = new Set<string>()): Set<string> {
  if (typeof schema !== "object" || schema === null) return found;
  if ("properties" in schema) {
    for (const [key, value] of Object.entries(schema.properties as Record<string, { type?: string }>)) {
      if (value.type === "integer" || value.type === "boolean") found.add(key);
    }
  }
  for (const value of Object.values(schema)) plainKeys(value, found);
  return found;
}

type Issue = z.core.$ZodIssue;

/** A value that fits no branch of a union is explained by the branch that got furthest into it. */
function innermost(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const depth = (branch: readonly Issue[]): number => Math.max(0, ...branch.map((inner) => inner.path.length));
  const inner = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0]?.[0];
  if (inner === undefined || inner.path.length === 0) return issue;
  return innermost({ ...inner, path: [...issue.path, ...inner.path] });
}

function explain(issue: Issue): string {
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const known = knownKeys(issue.path);
    return `unknown key "${key}".${didYouMean(key, known)} Known keys: ${known.join(", ")}`;
  }
  if (issue.code === "invalid_union") return "the value has the wrong type: a text is wanted, or what the schema says";
  if (issue.code === "invalid_type" && issue.expected === "string") return "a text is wanted here: put the value in quotes";
  if (issue.code === "invalid_type") return `a value of type ${issue.expected} is wanted here`;
  return issue.message;
}

/** The keys that the schema knows below a path. */
function knownKeys(path: Path): string[] {
  let schema: unknown = planJsonSchema();
  for (const step of path) schema = asMapping(propertyOf(asMapping(schema), "properties", String(step)));
  const mapping = asMapping(schema);
  const properties = mapping["properties"] ?? {};
  const names = (mapping["propertyNames"] as { enum?: string[] } | undefined)?.enum;
  return names ?? Object.keys(properties);
}

function propertyOf(schema: Record<string, unknown>, ...steps: string[]): unknown {
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], schema);
}

/** A schema, or the mapping among its alternatives. */
function asMapping(schema: unknown): Record<string, unknown> {
  const whole = (schema ?? {}) as Record<string, unknown>;
  const alternatives = (whole["anyOf"] ?? []) as Record<string, unknown>[];
  return alternatives.find((one) => one["type"] === "object") ?? whole;
}

function offsetOf(document: Document, issue: Issue): number {
  const unknownKey = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  for (let depth = issue.path.length; depth >= 0; depth--) {
    const node: unknown = depth === 0 ? document.contents : document.getIn(issue.path.slice(0, depth), true);
    if (unknownKey !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === unknownKey);
      if (isScalar(pair?.key)) return pair.key.range?.[0] ?? 0;
    }
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)) return Number(node.range[0]);
  }
  return 0;
}

function keyPath(path: Path): string {
  return path.map((step, at) => (typeof step === "number" ? `[${step}]` : `${at === 0 ? "" : "."}${String(step)}`)).join("");
}

function invalid(file: string, line: number, key: string, why: string): GodwitError {
  return new GodwitError("plan-invalid", `${file}, line ${line}${key === "" ? "" : `, ${key}`}: ${why}`, { object: key === "" ? file : key });
}

function errnoOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown";
}
