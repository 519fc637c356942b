import { type DescribedError, GodwitError, fromDescription } from "../../errors/godwit-error.ts";
import { ERRORS } from "../../errors/registry.ts";
import type { ApiError } from "../../server/contract/error.ts";
import type { Answer, ClientRequest, Route } from "../../server/contract/route.ts";
import { type Api, ROUTES, type RouteId } from "../../server/contract/routes.ts";

export type Asked<Id extends RouteId> = Partial<ClientRequest<Api[Id]>>;

const PATIENCE_MS = 60_000;

/** Asks a server in words of its route table. Throws the server's own coded errors, or `connection-refused`, `connection-lost`. */
export class ApiClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  async call<Id extends RouteId>(id: Id, { params, query, body }: Asked<Id> = {}): Promise<Answer<Api[Id]>> {
    const route: Route = ROUTES[id];
    const path = Object.entries((params ?? {}) as Record<string, string>).reduce((text, [name, value]) => text.replace(`:${name}`, encodeURIComponent(value)), route.path);
    const search = new URLSearchParams(Object.fromEntries(Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]))).toString();
    const response = await this.#fetch(`${this.#url}${path}${search === "" ? "" : `?${search}`}`, route.method, body);
    const text = await response.text();
    const answer = parse(text);
    if (response.ok && answer !== undefined) return answer as Answer<Api[Id]>;
    const error = (answer as { error?: ApiError } | undefined)?.error;
    if (error !== undefined && error.code in ERRORS) throw fromDescription(error as DescribedError);
    throw new GodwitError("protocol", `${this.#url} answered with status ${response.status}, and is no Godwit server of this version`, { object: this.#url });
  }

  async #fetch(url: string, method: string, body: unknown): Promise<Response> {
    try {
      return await fetch(url, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch (cause) {
      const { code } = (cause as { cause?: { code?: string } }).cause ?? {};
      const reason = code ?? (cause as Error).name;
      throw new GodwitError(
        code === "ECONNREFUSED" ? "connection-refused" : code === "ENOTFOUND" ? "host-unknown" : "connection-lost",
        `server ${this.#url}: not reached (${reason})`,
        {
          object: this.#url,
          advice: "Check the address of --server, and that `godwit serve` runs there.",
          cause,
        },
      );
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
