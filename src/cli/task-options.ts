import { hostname, userInfo } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { GodwitError } from "../errors/godwit-error.ts";
import { MIGRATION_TYPES } from "../plan/migration-type.ts";
import type { AcceptedAlarm } from "../task/task-record.ts";
import { OBJECT_KINDS, type ObjectPattern } from "../plan/object-pattern.ts";
import { CONFLICT_POLICIES } from "../stream/conflict-policy.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { connectionText, optionsOfPlan, patternsOf } from "../task/options-of-plan.ts";
import { type Endpoint, type Side, parseEndpoint } from "../wire/endpoint.ts";
import { parseObjectPatterns } from "./object-patterns.ts";
import type { Plan, PlanEndpoint } from "../task/plan-schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What commander gives for the options below. */
interface Given extends Omit<Plan, "source" | "target" | "include" | "exclude" | "acceptAlarms"> {
  readonly source?: string;
  readonly target?: string;
  readonly plan?: string;
  readonly include?: readonly ObjectPattern[];
  readonly exclude?: readonly ObjectPattern[];
  readonly yes?: boolean;
}

/** The options that say which two databases, and which objects of them: of migrate, check and verify. */
export function addTaskOptions(command: Command): Command {
  return command
    .option("--source <uri>", "the server and database to read, as postgresql://user@host:port/database (or GODWIT_SOURCE)")
    .option("--target <uri>", "the server and database to write, in the same form (or GODWIT_TARGET)")
    .option("--plan <file>", "read all of this from a YAML file; options given here win over it")
    .option("--instance", "all user databases of the source, with its roles, instead of the one database")
    .addOption(patternOption("--include", `only these objects: kind=pattern with * and ?, as table=public.order*; may be given several times; kinds: ${OBJECT_KINDS.join(", ")}`))
    .addOption(patternOption("--exclude", "not these objects; wins over --include"))
    .addOption(new Option("--concurrency <n>", "how many tables, chunks or indexes are worked on at once; default: 4").argParser(parseConcurrency));
}

/** The options that say how to migrate: of migrate, and of check, which has to judge the same plan. */
export function addMigrationOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--type <type>", "structure, full (structure and data), or full+incremental (and every change made meanwhile, until Complete); default: full").argParser(
        parseType,
      ),
    )
    .addOption(
      new Option("--until <moment>", "full+incremental: Complete by itself the first time it is caught up; else it goes on until `godwit task complete`").choices(["caught-up"]),
    )
    .option("--fence", "full+incremental: at Complete, make the source read-only for everybody else; it stays so")
    .addOption(
      new Option("--conflicts <policy>", "full+incremental: where a change meets a row that is not what the source had: stop (the default), skip, or overwrite").choices([
        ...CONFLICT_POLICIES,
      ]),
    )
    .option("--yes", "accept the alarms of the precheck")
    .option("--accept <check...>", "accept the alarms of these checks, and no others; who and when is remembered with the task")
    .option("--verify", "compare every table at the end")
    .option("--no-verify", "do not (the default)")
    .option("--no-statistics", "leave planner statistics (ANALYZE) out")
    .option("--no-owner", "everything belongs to the target account")
    .option("--no-privileges", "leave GRANTs out")
    .option("--publications", "move the source's publications too")
    .addOption(new Option("--tablespace-map <a=b>", "tablespace a of the source is b on the target; others become the target's default").argParser(parseTablespace))
    .option("--pg-dump <path>", "use this native pg_dump instead of the built-in one (for catalogs of very many objects)");
}

/** What `--accept` or a plan file names, said by whoever runs this process. Throws `usage` for what is no check. */
export async function acceptedAlarms(checks: readonly string[] = []): Promise<AcceptedAlarm[]> {
  if (checks.length === 0) return [];
  const { refuseUnknownChecks } = await import("../precheck/run-prechecks.ts"); // not needed for --help and usage errors
  refuseUnknownChecks(checks, "accept");
  const at = new Date().toISOString();
  return checks.map((check) => ({ check, by: `${userInfo().username}@${hostname()}`, at }));
}

/** Everything about a task from the command line, its plan file and the environment, in this order of precedence. Throws `usage`, `uri-invalid`, `plan-invalid`. */
export async function taskOptions(command: Command, environment: Environment): Promise<MigrationOptions> {
  const given = givenOptions(command);
  const plan = given.plan === undefined ? {} : await planOf(given.plan, environment);
  const endpoints = { source: endpoint("source", given.source ?? plan.source, environment), target: endpoint("target", given.target ?? plan.target, environment) };
  const { yes, ...told } = given;
  const accepted = given.accept ?? plan.accept;
  const options = optionsOfPlan(
    {
      ...plan,
      ...told,
      ...(yes === undefined ? {} : { acceptAlarms: yes }),
      include: given.include ?? patternsOf(plan.include),
      exclude: given.exclude ?? patternsOf(plan.exclude),
    },
    endpoints,
  );
  return accepted === undefined ? options : { ...options, accepted };
}

/** The libraries that read a plan file are loaded when there is one. */
async function planOf(file: string, environment: Environment): Promise<Plan> {
  const { readPlanFile } = await import("./plan-file.ts");
  return readPlanFile(file, environment);
}

/** Only what was typed: commander's own defaults (true for every --no-…) must not win over the plan. */
function givenOptions(command: Command): Given {
  const values = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) === "cli");
  return Object.fromEntries(values);
}

/** PG* variables that say how to connect serve both sides. Those that say where and as whom would serve both too, and are left out. */
const SHARED_VARIABLES = [
  "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLNEGOTIATION", "PGCHANNELBINDING", "PGGSSENCMODE", "PGTARGETSESSIONATTRS", "PGCONNECT_TIMEOUT",
  "PGPASSFILE", "USER",
] as const; // prettier-ignore

function endpoint(side: Side, given: PlanEndpoint | undefined, environment: Environment): Endpoint {
  const found = givenEndpoint(side, given, environment);
  if (found === undefined) throw new GodwitError("usage", `no ${side}: give --${side} URI, GODWIT_${side.toUpperCase()}, or ${side}: in a plan file`, { object: `--${side}` });
  return found;
}

/** One of the two servers, as given or as the environment says; undefined where neither does. Throws `uri-invalid`. */
export function givenEndpoint(side: Side, given: PlanEndpoint | undefined, environment: Environment): Endpoint | undefined {
  const prefix = `GODWIT_${side.toUpperCase()}`;
  const text = given ?? environment[prefix];
  if (text === undefined || text === "") return undefined;
  return parseEndpoint(side, connectionText(text), { PGPASSWORD: environment[`${prefix}_PASSWORD`], ...sharedVariables(environment) });
}

/** An address of the same server for another account. Throws `uri-invalid`. */
export function otherEndpoint(side: Side, text: string, environment: Environment): Endpoint {
  return parseEndpoint(side, text, sharedVariables(environment));
}

function sharedVariables(environment: Environment): Record<string, string | undefined> {
  return Object.fromEntries(SHARED_VARIABLES.map((name) => [name, environment[name]]));
}

function patternOption(flag: string, description: string): Option {
  return new Option(`${flag} <kind=pattern>`, description).argParser((text: string, before: ObjectPattern[] | undefined) => [
    ...(before ?? []),
    ...parseObjectPatterns(flag, text),
  ]);
}

function parseType(text: string): (typeof MIGRATION_TYPES)[number] {
  const type = MIGRATION_TYPES.find((candidate) => candidate === text);
  if (type !== undefined) return type;
  throw new InvalidArgumentError(`Allowed choices are ${MIGRATION_TYPES.join(", ")}.`);
}

export function parseConcurrency(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 128) return number;
  throw new InvalidArgumentError("A number from 1 to 128 is wanted.");
}

function parseTablespace(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1 || equals === text.length - 1) throw new InvalidArgumentError("Expected source=target, as fast=nvme.");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
