import type { FastifyRequest } from "fastify";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { Route } from "../contract/route.ts";
import type { Services } from "../services.ts";
import { type Who, mayDo } from "./who.ts";

export const COOKIE = "godwit_session";
/** What a change asked for with the cookie brings besides. */
export const CSRF_HEADER = "x-csrf-token";

/** Who asks: by a token, or by the session's cookie. Undefined: nobody. Throws `login-required` for a token that is not valid. */
export async function identify(request: FastifyRequest, { sessions, tokens }: Services): Promise<Who | undefined> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    const who = token === undefined ? undefined : await tokens.find(token);
    if (who === undefined) throw new GodwitError("login-required", "this token is not valid (any more)");
    return who;
  }
  const cookie = request.cookies[COOKIE];
  return cookie === undefined ? undefined : await sessions.find(cookie);
}

/** Throws `login-required`, `role-missing`, or `csrf-refused`. */
export function authorize(request: FastifyRequest, who: Who | undefined, { role, method }: Pick<Route, "role" | "method">): void {
  if (role === "anyone") return;
  if (who === undefined) throw new GodwitError("login-required", "nobody is logged in");
  if (!mayDo(who, role)) throw new GodwitError("role-missing", `this needs the role ${role}; ${who.name} is ${who.role}`, { object: role });
  // A page of somebody else can make a browser send the cookie, but cannot know this.
  if (method !== "GET" && who.csrfToken !== undefined && request.headers[CSRF_HEADER] !== who.csrfToken) {
    throw new GodwitError("csrf-refused", `the header ${CSRF_HEADER} is missing or wrong`);
  }
}
