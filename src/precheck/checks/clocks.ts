import { describeEndpoint } from "../../wire/endpoint.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, found, passed } from "../check.ts";

/** Clocks that are kept by NTP are apart by milliseconds. */
const APART_SECONDS = 5;

export const clocks: Check = {
  id: "clocks",
  title: "The servers' clocks agree",
  about: `Alarm: the clocks of source and target are more than ${APART_SECONDS} s apart. Nothing that Godwit does depends on them; what applications write after the switch does.`,
  run: async ({ source, target }) => {
    const scope = describeEndpoint(target.endpoint);
    const [here, there] = [await read(source), await read(target)];
    // Between the two answers the clocks went on, too.
    const apart = there.seconds - here.seconds - (there.atMs - here.atMs) / 1000;
    const sure = Math.abs(apart) - (here.uncertainMs + there.uncertainMs) / 1000;
    if (sure <= APART_SECONDS) return [passed(clocks, scope)];
    return [
      found(clocks, scope, "alarm", {
        evidence: [`the target's clock is ${Math.abs(apart).toFixed(1)} s ${apart > 0 ? "ahead of" : "behind"} the source's`],
        why: "Rows that are written after the switch get times that are before those of older rows, or in the future: what orders by them, or expires by them, goes wrong.",
        fix: "Have both servers' clocks set by NTP.",
      }),
    ];
  },
};

async function read(session: Session): Promise<{ readonly seconds: number; readonly atMs: number; readonly uncertainMs: number }> {
  const before = performance.now();
  const [row] = await session.query<{ seconds: number }>("select extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.float8 as seconds");
  const after = performance.now();
  return { seconds: row?.seconds ?? 0, atMs: (before + after) / 2, uncertainMs: (after - before) / 2 };
}
