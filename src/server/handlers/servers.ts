import { readCatalog } from "../../catalog/read-catalog.ts";
import { readDependencies, readExtensionMembers } from "../../catalog/read-dependencies.ts";
import { OBJECT_KINDS } from "../../plan/object-pattern.ts";
import { selectObjects } from "../../plan/select-objects.ts";
import { type PingStep, ping } from "../../precheck/ping.ts";
import { patternsOf } from "../../task/options-of-plan.ts";
import { openSession } from "../../wire/session.ts";
import { readEndpoint } from "../endpoints.ts";
import type { Handlers } from "../handler.ts";
import { patternOfLabel, readLevel } from "../object-tree.ts";

/** The two servers of a migration, before there is a task. */
export const SERVER_HANDLERS = {
  ping: async ({ body }, { services, signal, note }) => {
    const endpoint = await readEndpoint(body.side, body.endpoint, body.secretsOf, services.tasks);
    note(`${body.side} ${endpoint.host}:${endpoint.port}`);
    const steps: PingStep[] = [];
    for await (const step of ping(endpoint, signal)) steps.push(step);
    return { isReachable: !steps.some(({ result }) => result === "failed"), steps: steps.map(({ side: _side, ...step }) => step) };
  },
  listObjects: async ({ body }, { services, signal }) => {
    const { endpoint, secretsOf, ...level } = body;
    return await readLevel(await readEndpoint("source", endpoint, secretsOf, services.tasks), level, signal);
  },
  findCorrelated: async ({ body }, { services, signal }) => {
    await using session = await openSession(await readEndpoint("source", body.source, body.secretsOf, services.tasks), { signal });
    const catalog = await readCatalog(session);
    const { missing } = selectObjects({
      catalog,
      entries: [],
      dependencies: await readDependencies(session),
      members: await readExtensionMembers(session),
      indexes: new Map(),
      include: patternsOf(body.include),
      exclude: patternsOf(body.exclude ?? {}),
    });
    return {
      missing: missing.flatMap(({ object, needs }) => {
        const pattern = patternOfLabel(needs, OBJECT_KINDS);
        return pattern === undefined ? [] : [{ object: needs, neededBy: object, pattern }];
      }),
    };
  },
} satisfies Partial<Handlers>;
