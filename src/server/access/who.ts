import type { Role } from "../contract/access.ts";
import { ROLES } from "../contract/access.ts";

/** Who asks, as a session's cookie or a token has proved. */
export interface Who {
  /** An account's name, or `token NAME`. */
  readonly name: string;
  readonly role: Role;
  /** Of a session: every request that changes something brings it as a header. */
  readonly csrfToken?: string;
  /** Of a session: what its cookie is kept as. */
  readonly session?: Buffer;
}

/** Each role may what those before it may. */
export function mayDo(who: Who, needed: Role): boolean {
  return ROLES.indexOf(who.role) >= ROLES.indexOf(needed);
}
