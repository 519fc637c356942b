import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrationSummary } from "../../src/task/events.ts";
import type { SkippedTool, Tool } from "./tool.ts";

const CHECKOUT = join(import.meta.dirname, "..", "..");
const ENTRY = join(CHECKOUT, "src", "cli", "main.ts");
/** What `npm run godwit` hands to Node. */
export const GODWIT = ["--max-semi-space-size=16", ENTRY] as const;

/** Godwit as a user runs it from a checkout, its store's server included: Node reads the TypeScript, and that time counts. */
export function godwit(): Tool | SkippedTool {
  const name = "godwit";
  if (!existsSync(ENTRY)) return { name, skipped: "src/cli/main.ts does not exist yet" };
  return {
    name,
    version: godwitVersion(),
    remarks: ["its CPU is Node's; its store's PostgreSQL server counts as other"],
    hasServerOfItsOwn: true,
    commands: (run) => [
      {
        label: "migrate",
        program: process.execPath,
        args: [
          ...GODWIT, "migrate", "--source", run.source.uri(run.database), "--target", run.target.uri(run.database), "--type", "full", "--yes", "--json", "--dir", join(run.target.directory, "godwit-state"),
          "--concurrency", String(run.jobs), ...(run.analyze ? [] : ["--no-statistics"]),
        ], // prettier-ignore
      },
    ],
    async account(_run, results) {
      const summary = parseSummary(results[0]?.stdout ?? "");
      return { relayedBytes: summary?.bytes, steps: summary?.steps };
    },
  };
}

export function godwitVersion(): string {
  const { version } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")) as { version: string };
  return `godwit ${version}, Node ${process.version}`;
}

function parseSummary(stdout: string): MigrationSummary | undefined {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  try {
    const event = JSON.parse(last) as { event?: string };
    return event.event === "summary" ? (event as MigrationSummary) : undefined;
  } catch {
    return undefined;
  }
}
