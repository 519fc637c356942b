import { afterAll, beforeAll } from "vitest";
import type { Answer, ClientRequest } from "../../src/server/contract/route.ts";
import { type Api, ROUTES, type RouteId } from "../../src/server/contract/routes.ts";
import type { Route } from "../../src/server/contract/route.ts";
import { type RunningServer, type ServeOptions, serve } from "../../src/server/serve.ts";
import { newStateDirectory, stateDirectory } from "./state-directory.ts";

/** What a server answered. */
export interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

export type Asked<Id extends RouteId> = Partial<ClientRequest<Api[Id]>>;

/** Somebody who asks a server, in words of the route table. */
export interface Client {
  /** The answer, whatever its status. */
  ask(id: RouteId, request?: { params?: object | undefined; query?: object | undefined; body?: unknown }): Promise<Answered<unknown>>;
  /** Throws what is no success. */
  call<Id extends RouteId>(id: Id, request?: Asked<Id>): Promise<Answer<Api[Id]>>;
}

export interface TestServer extends RunningServer {
  /** Everything that any answer held, and everything logged: no secret may be in it. */
  readonly told: string[];
  /** `headers`: who asks. */
  client(headers?: Readonly<Record<string, string>>): Client;
  /** An admin with a session: the first account, or one more login of it. */
  logIn(name?: string, password?: string): Promise<Client>;
}

export const ADMIN = { name: "ada", password: "correct horse battery" };

/** A server in this process, as `godwit serve` starts it, with a store of its own or the file's. */
export async function startServe(options: Partial<ServeOptions> & { readonly directory?: string } = {}): Promise<TestServer> {
  const told: string[] = [];
  const server = await serve({
    location: { store: { dir: options.directory ?? stateDirectory() } },
    host: "127.0.0.1",
    port: 0,
    trustsProxy: false,
    hasWorker: true,
    resetsAccess: false,
    retryForMs: 60_000,
    keepEndedForMs: 86_400_000,
    loginsPerMinute: 1000,
    ...options,
    log: (sentence) => told.push(sentence),
  });
  const client = (headers: Readonly<Record<string, string>> = {}): Client => clientOf(server.url, headers, told);
  return {
    ...server,
    told,
    client,
    logIn: async (name = ADMIN.name, password = ADMIN.password) => {
      const body = { name, password };
      const token = server.setupUrl === undefined ? undefined : new URL(server.setupUrl).searchParams.get("token");
      const first = token === undefined ? undefined : await client().ask("setUp", { body: { ...body, token } });
      const { headers, body: session } = first?.status === 200 ? first : await client().ask("logIn", { body });
      const cookie = (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
      return client({ cookie, "x-csrf-token": (session as { csrfToken: string }).csrfToken });
    },
  };
}

function clientOf(url: string, headers: Readonly<Record<string, string>>, told: string[]): Client {
  const ask: Client["ask"] = async (id, { params = {}, query = {}, body } = {}) => {
    const route: Route = ROUTES[id];
    const path = Object.entries(params).reduce((text, [name, value]) => text.replace(`:${name}`, encodeURIComponent(String(value))), route.path);
    const search = new URLSearchParams(Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))).toString();
    const response = await fetch(`${url}${path}${search === "" ? "" : `?${search}`}`, {
      method: route.method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    told.push(text);
    return { status: response.status, headers: response.headers, body: text.startsWith("{") ? (JSON.parse(text) as unknown) : text };
  };
  return {
    ask,
    call: async (id, request) => {
      const { status, body } = await ask(id, request);
      if (status !== 200) throw Object.assign(new Error(`${id}: ${status} ${JSON.stringify(body)}`), { status, ...(body as { error?: object }).error });
      return body as never;
    },
  };
}

/** A server for the tests of a file, with its first account logged in. */
export interface Served {
  readonly server: TestServer;
  readonly admin: Client;
}

/** Begins before the first test of the file, and stops behind the last. */
export function serving(): Served {
  let served: Served;
  beforeAll(async () => {
    const server = await startServe({ directory: newStateDirectory() });
    served = { server, admin: await server.logIn() };
  });
  afterAll(async () => await served.server.stop());
  return {
    get server() {
      return served.server;
    },
    get admin() {
      return served.admin;
    },
  };
}
