import { readCatalog } from "../../catalog/read-catalog.ts";
import { readDependencies, readExtensionMembers } from "../../catalog/read-dependencies.ts";
import { OBJECT_KINDS } from "../../plan/object-pattern.ts";
import { selectObjects } from "../../plan/select-objects.ts";
import { type PingStep, ping } from "../../precheck/ping.ts";
import { patternsOf } from "../../task/options-of-plan.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";
import { readEndpoint } from "../endpoints.ts";
import type { Handlers } from "../handler.ts";
import { inTime } from "../in-time.ts";
import { patternOfLabel, readLevel } from "../object-tree.ts";

/** The two servers of a migration, before there is a task. */
export const SERVER_HANDLERS = {
  ping: async ({ body }, { services, signal, note }) => {
    const endpoint = await readEndpoint(body.side, body.endpoint, body.secretsOf, services.tasks);
    note(`${body.side} ${endpoint.host}:${endpoint.port}`);
    const steps: PingStep[] = [];
    await inTime(describeEndpoint(endpoint), signal, async (until) => {
      for await (const step of ping(endpoint, until)) steps.push(step);
    });
    return { isReachable: !steps.some(({ result }) => result === "failed"), steps: steps.map(({ side: _side, ...step }) => step) };
  },
  listObjects: async ({ body }, { services, signal }) => {
    const { endpoint, secretsOf, ...level } = body;
    const source = await readEndpoint("source", endpoint, secretsOf, services.tasks);
    return await inTime(describeEndpoint(source), signal, async (until) => await readLevel(source, level, until));
  },
  findCorrelated: async ({ body }, { services, signal }) => {
    const source = await readEndpoint("source", body.source, body.secretsOf, services.tasks);
    const { missing } = await inTime(describeEndpoint(source), signal, async (until) => {
      await using session = await openSession(source, { signal: until });
      const catalog = await readCatalog(session);
      return selectObjects({
        catalog,
        entries: [],
        dependencies: await readDependencies(session),
        members: await readExtensionMembers(session),
        indexes: new Map(),
        include: patternsOf(body.include),
        exclude: patternsOf(body.exclude ?? {}),
      });
    });
    return {
      missing: missing.flatMap(({ object, needs }) => {
        const pattern = patternOfLabel(needs, OBJECT_KINDS);
        return pattern === undefined ? [] : [{ object: needs, neededBy: object, pattern }];
      }),
    };
  },
} satisfies Partial<Handlers>;
