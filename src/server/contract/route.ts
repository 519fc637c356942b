import type { z } from "zod";
import type { Role } from "./access.ts";

/** One way to ask the server: what the table in routes.ts holds. Whoever implements it is in ../handlers.ts. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly section: "access" | "tasks" | "task" | "servers" | "verification" | "alerts";
  /** The least that may ask; `anyone`: without login. */
  readonly role: Role | "anyone";
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Of status 200; a route that has none sends server-sent events, or a page. */
  readonly answer?: z.ZodType;
  /** Of a route without `answer`. */
  readonly sends?: "events" | "html";
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Given<Schema> = Schema extends z.ZodType ? z.input<Schema> : undefined;
type Part<R, Name extends string> = R extends Readonly<Record<Name, infer Schema>> ? Schema : undefined;

/** What a handler gets. */
export interface Request<R> {
  readonly params: Parsed<Part<R, "params">>;
  readonly query: Parsed<Part<R, "query">>;
  readonly body: Parsed<Part<R, "body">>;
}

/** What a client gives: defaults may be left out. */
export interface ClientRequest<R> {
  readonly params: Given<Part<R, "params">>;
  readonly query: Partial<NonNullable<Given<Part<R, "query">>>> | undefined;
  readonly body: Given<Part<R, "body">>;
}

/** What a handler returns, and a client gets. */
export type Answer<R> = Parsed<Part<R, "answer">>;
