import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import type { Role, SessionAnswer } from "../../../src/server/contract/access.ts";
import { call, rememberCsrfToken } from "./client.ts";

export type { Role, SessionAnswer };

export const SESSION_KEY = ["session"] as const;

export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: async ({ signal }) => heard(await call("getSession", { signal })),
  staleTime: 60_000,
});

/** Every answer about the session brings the token that proves where the next requests come from. */
export function heard(session: SessionAnswer): SessionAnswer {
  rememberCsrfToken(session.csrfToken);
  return session;
}

export function useSession(): SessionAnswer {
  return useSuspenseQuery(sessionQuery).data;
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether the account may do what this role may. The server decides; this only hides what it would refuse. */
export function useMay(role: Role): boolean {
  const { account } = useSession();
  return account !== null && RANK[account.role] >= RANK[role];
}
