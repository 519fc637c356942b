import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "./duration.ts";

const DEFAULT_RETRY_FOR = "12h";

/** What the options of `addNewTaskOptions` give. */
export interface NewTaskGiven {
  readonly name?: string;
  readonly tag?: Readonly<Record<string, string>>;
  /** Bytes per second. */
  readonly rateLimit?: number;
  readonly retryFor: number;
}

/** What a task is told besides what it moves: of task create, and of migrate, which creates one. */
export function addNewTaskOptions(command: Command): Command {
  return command
    .addOption(nameOption("a name for the task; default: the two databases"))
    .addOption(tagOption("a tag of the task; may be given several times"))
    .addOption(new Option("--rate-limit <MB/s>", "move at most this much in a second, to spare the source").argParser(parseRate))
    .addOption(
      new Option("--retry-for <duration>", "once something was written, try passing errors again for so long, as 30s, 10m, 12h")
        .argParser(parseDuration)
        .default(parseDuration(DEFAULT_RETRY_FOR), DEFAULT_RETRY_FOR),
    );
}

export function nameOption(description: string): Option {
  return new Option("--name <text>", description).argParser((text: string) => {
    if (text.trim() === "") throw new InvalidArgumentError("A name is wanted.");
    return refuseControls(text);
  });
}

export function tagOption(description: string): Option {
  return new Option("--tag <name=value>", description).argParser((text: string, before: Record<string, string> | undefined) => {
    const equals = refuseControls(text).indexOf("=");
    if (equals < 1) throw new InvalidArgumentError("Expected name=value, as team=shop.");
    return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
  });
}

/** Names are printed as they are: a line break would tear a table, an escape sequence do things to somebody's terminal. */
function refuseControls(text: string): string {
  if (/\p{Cc}/u.test(text)) throw new InvalidArgumentError("Control characters, as line breaks, are not allowed.");
  return text;
}

/** Megabytes per second → bytes per second. */
export function parseRate(text: string): number {
  const bytes = Math.round(Number(text) * 1e6);
  if (text.trim() !== "" && bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError("A number of MB per second is wanted, above 0.");
}

/** Between typing and reading. */
const PAST_TOLERANCE_MS = 60_000;

/** A moment to come; without a time zone it is this machine's. One that is past is a slip, and must not start anything at once. */
export function parseMoment(text: string): Date {
  const [, day = "", time = "T00:00", zone = ""] = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  const moment = new Date(`${day}${time}${zone}`);
  // Date would take a 30th of February for a day in March.
  if (Number.isNaN(moment.getTime()) || moment.getUTCFullYear() > 9999 || new Date(`${day}T00:00Z`).toISOString().slice(0, 10) !== day)
    throw new InvalidArgumentError("A time is wanted, as 2027-01-31T22:00Z or 2027-01-31T22:00+01:00.");
  if (moment.getTime() < Date.now() - PAST_TOLERANCE_MS) throw new InvalidArgumentError("That moment is past; without --at the task starts at once.");
  return moment;
}
