import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { asGodwitError } from "../errors/godwit-error.ts";
import { maskPasswords } from "../task/mask-passwords.ts";
import { errorAnswer as errorSchema } from "./contract/error.ts";
import type { Route } from "./contract/route.ts";
import { COOKIE, authorize, identify } from "./access/authorize.ts";
import type { Who } from "./access/who.ts";
import type { Call, Feeds, ServerEvent } from "./handler.ts";
import type { Services } from "./services.ts";
import { refuseOddText } from "./refuse-odd-text.ts";
import { sendEvents } from "./send-events.ts";

/** What every route works with. */
export interface RouteSite {
  readonly services: Services;
  readonly feeds: Feeds;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  /** Per minute and address: for logins. */
  readonly loginsPerMinute: number;
  /** What nobody has foreseen, for the operator's log. */
  readonly log: (sentence: string) => void;
}

/** What is known of a request besides what it says. */
interface Known {
  who?: Who | undefined;
  note?: string;
  code?: string;
}

const known = new WeakMap<FastifyRequest, Known>();
const TRIED = new Set(["logIn", "setUp", "changePassword"]);
const resumed = z.looseObject({ "last-event-id": z.string().optional().meta({ description: "The id of the last event that came: those behind it follow." }) });

/** Of the error handler: for the audit log. */
export function noteError(request: FastifyRequest, code: string): void {
  const facts = known.get(request);
  if (facts !== undefined) facts.code = code;
}

type AnyHandler = (request: { params: unknown; query: unknown; body: unknown }, call: Call) => unknown;

/**
 * Adds one route of the table: who asks is asked first, then what, then it is done, and what changes something is noted in the audit log, also when it
 * was refused.
 */
export function addRoute(app: FastifyInstance, id: string, route: Route, handler: AnyHandler, site: RouteSite): void {
  const { services, feeds, stopping } = site;
  app.route({
    method: route.method,
    url: route.path,
    schema: {
      operationId: id,
      summary: route.summary,
      tags: [route.section],
      ...(route.role === "anyone"
        ? { security: [] }
        : { description: `Needs the role ${route.role}.`, security: [{ token: [] }, { session: [], ...(route.method === "GET" ? {} : { csrf: [] }) }] }),
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
      ...(route.sends === "events" ? { headers: resumed } : {}),
      response: {
        200: route.answer ?? { content: { [route.sends === "html" ? "text/html" : "text/event-stream"]: { schema: z.string() } } },
        "4xx": errorSchema,
        "5xx": errorSchema,
      },
    },
    // The head of something that does not end would not end either.
    exposeHeadRoute: route.sends !== "events",
    config: TRIED.has(id) ? { rateLimit: { max: site.loginsPerMinute, timeWindow: "1 minute" } } : {},
    onRequest: async (request) => {
      const facts: Known = {};
      known.set(request, facts);
      // A login is not refused because of an old token.
      facts.who = await identify(request, services).catch((error: unknown) => {
        if (route.role === "anyone") return undefined;
        throw error;
      });
      authorize(request, facts.who, route);
    },
    preValidation: async ({ params, query, body }) => refuseOddText({ params, querystring: query, body }),
    onSend: async (request, reply) => {
      const { who, note, code } = known.get(request) ?? {};
      // What nobody may, and nobody has done, would fill the store; of logins, those within their limit are kept.
      if (route.method === "GET" || (who === undefined && (!TRIED.has(id) || code === "too-many-tries"))) return;
      const { id: task, name } = (request.params ?? {}) as { id?: string; name?: string };
      const entry = {
        who: who?.name ?? "nobody",
        address: request.ip,
        action: id,
        object: keepable(task ?? name, 200),
        outcome: reply.statusCode < 400 ? "done" : (code ?? String(reply.statusCode)),
        detail: keepable(note, 1000),
      };
      // What came of the request is told in any case.
      await services.audit.add(entry).catch((error: unknown) => site.log(`not in the audit log: ${JSON.stringify(entry)}: ${asGodwitError(error).message}`));
    },
    handler: async (request, reply) => {
      const facts = known.get(request)!;
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const call: Call = {
        who: facts.who,
        services,
        feeds,
        signal: AbortSignal.any([gone.signal, stopping]),
        lastEventId: lastEventIdOf(request),
        setCookie: (cookie) => setCookie(request, reply, cookie),
        note: (detail) => (facts.note = detail),
      };
      const result = handler({ params: request.params, query: request.query, body: request.body }, call);
      if (route.sends === "events") return await sendEvents(request, reply, result as AsyncGenerator<ServerEvent>, { gone, call, route });
      const answer = await (result as Promise<unknown>);
      if (route.sends === "html") return reply.type("text/html; charset=utf-8").header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'").send(answer);
      return answer;
    },
  });
}

/** Whatever was sent, as the store can keep it. */
function keepable(text: string | undefined, length: number): string | null {
  return text === undefined ? null : maskPasswords(text).slice(0, length).replaceAll("\0", "\uFFFD");
}

function setCookie(request: FastifyRequest, reply: FastifyReply, cookie: string | undefined): void {
  const rules = { path: "/", httpOnly: true, sameSite: "strict", secure: request.protocol === "https" } as const;
  if (cookie === undefined) reply.clearCookie(COOKIE, rules);
  else reply.setCookie(COOKIE, cookie, rules);
}

function lastEventIdOf(request: FastifyRequest): string | undefined {
  const given = request.headers["last-event-id"];
  return typeof given === "string" && /^\d{1,18}$/.test(given) ? given : undefined;
}
