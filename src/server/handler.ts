import type { Answer, Request } from "./contract/route.ts";
import type { Api, RouteId } from "./contract/routes.ts";
import type { ListFeed } from "./feeds/list-feed.ts";
import type { TaskFeeds } from "./feeds/task-feed.ts";
import type { Services } from "./services.ts";
import type { Who } from "./access/who.ts";

/** What a handler knows besides the request. */
export interface Call {
  /** Who asks; nobody only where a route's role is `anyone`. */
  readonly who: Who | undefined;
  readonly services: Services;
  readonly feeds: Feeds;
  /** Aborts when whoever asked has gone, or the server stops. */
  readonly signal: AbortSignal;
  /** Of a route with events: what was seen last, when a connection is made again. */
  readonly lastEventId: string | undefined;
  /** Sets the session's cookie, or takes it away. */
  readonly setCookie: (cookie: string | undefined) => void;
  /** A word for the audit log on what this does; never a secret. */
  readonly note: (detail: string) => void;
}

/** What everybody who watches shares. */
export interface Feeds {
  readonly list: ListFeed;
  readonly tasks: TaskFeeds;
}

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: unknown;
}

type Sent<R> = R extends { readonly sends: "events" } ? AsyncGenerator<ServerEvent> : R extends { readonly sends: "html" } ? Promise<string> : Promise<Answer<R>>;

/** What answers a route of the table. */
export type Handler<Id extends RouteId> = (request: Request<Api[Id]>, call: Call) => Sent<Api[Id]>;

/** For every route of the table its handler. */
export type Handlers = { readonly [Id in RouteId]: Handler<Id> };
