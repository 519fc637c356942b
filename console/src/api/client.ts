import type { Answer, ClientRequest } from "../../../src/server/contract/route.ts";
import type { Api } from "../../../src/server/contract/routes.ts";
import { ApiFailure } from "./api-failure.ts";
import { ROUTES } from "./routes.generated.ts";

/** Routes that answer with JSON: the others send events, or a page. */
export type RouteId = { [Id in keyof Api]: Api[Id] extends { readonly answer: unknown } ? Id : never }[keyof Api];

type Part<Id extends keyof Api, Name extends "params" | "body"> = ClientRequest<Api[Id]>[Name];
type Needs<Id extends keyof Api> = { readonly [Name in "params" | "body" as undefined extends Part<Id, Name> ? never : Name]: Part<Id, Name> };
export type Asked<Id extends keyof Api> = Needs<Id> & { readonly query?: ClientRequest<Api[Id]>["query"]; readonly signal?: AbortSignal };

/** Kept outside React: it comes with every answer about the session, and goes with every request that changes something. */
let csrfToken: string | null = null;

export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Changes that were asked for and are not answered: a second click asks for nothing more, and gets the same answer. */
const asked = new Map<string, Promise<unknown>>();

/** Asks the server. Throws `ApiFailure` with what the server says, or with `unreachable` where it says nothing. */
export async function call<Id extends RouteId>(id: Id, ...[given]: keyof Needs<Id> extends never ? [given?: Asked<Id>] : [given: Asked<Id>]): Promise<Answer<Api[Id]>> {
  const { params, query, body, signal } = (given ?? {}) as { params?: Record<string, string>; query?: Record<string, unknown>; body?: unknown; signal?: AbortSignal };
  const { method } = ROUTES[id];
  const address = addressOf(id, params, query);
  const text = body === undefined ? null : JSON.stringify(body);
  // What can be called off belongs to one who asks.
  if (method === "GET" || signal !== undefined) return (await send(method, address, text, signal)) as Answer<Api[Id]>;
  const change = `${method} ${address} ${text}`;
  const answer = asked.get(change) ?? send(method, address, text, signal).finally(() => asked.delete(change));
  asked.set(change, answer);
  return (await answer) as Answer<Api[Id]>;
}

async function send(method: string, address: string, body: string | null, signal: AbortSignal | undefined): Promise<unknown> {
  const headers = new Headers({ accept: "application/json" });
  if (body !== null) headers.set("content-type", "application/json");
  if (method !== "GET" && csrfToken !== null) headers.set("x-csrf-token", csrfToken);
  let response: Response;
  try {
    response = await fetch(address, { method, headers, body, signal: signal ?? null });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ApiFailure(0, undefined, { cause });
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiFailure(response.status, answer);
  return answer;
}

/** The address of a route, for links and event sources too. */
export function addressOf(id: keyof Api, params: Readonly<Record<string, string>> = {}, query: Readonly<Record<string, unknown>> = {}): string {
  const path = ROUTES[id].path.replaceAll(/:([a-z]+)/gi, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}
