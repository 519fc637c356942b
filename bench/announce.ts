import type { Settings } from "./servers.ts";
import type { SkippedTool } from "./tools/tool.ts";

interface Described {
  readonly name: string;
  readonly version: string;
  readonly remarks: readonly string[];
}

/** Tells which tools take part, and why others do not; returns those that do. */
export function announce<AnyTool extends Described>(found: readonly (AnyTool | SkippedTool)[]): AnyTool[] {
  for (const tool of found) {
    if ("skipped" in tool) say(`skipped: ${tool.name}: ${tool.skipped}`);
    else for (const line of [`${tool.name}: ${tool.version}`, ...tool.remarks.map((remark) => `  ${remark}`)]) say(line);
  }
  return found.filter((tool): tool is AnyTool => !("skipped" in tool));
}

/** What a saved result tells of a tool. */
export function describeTool({ name, version, remarks }: Described): Described {
  return { name, version, remarks };
}

export function describeSettings(settings: Settings): string {
  return Object.entries(settings).map(([name, value]) => `${name}=${value}`).join(" "); // prettier-ignore
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
