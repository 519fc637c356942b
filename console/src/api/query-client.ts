import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { isLoggedOut, isPassing } from "./api-failure.ts";
import { SESSION_KEY } from "./session.ts";

/** So often at least what could not be asked is asked again. */
export const AGAIN_MS = 3_000;

/** Whatever is asked when the session has ended leads to the login: the shell sees it in the session. */
function onError(error: Error): void {
  if (isLoggedOut(error)) void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // Until the server is back: see `Outage` for what is shown meanwhile. Also where the browser thinks that it has no network, as the server may be on this machine.
      retry: (_, error) => isPassing(error),
      retryDelay: (failures) => Math.min(1000 * 2 ** failures, AGAIN_MS),
      networkMode: "always",
    },
  },
});

/** For `refetchInterval`: what the server has refused is not asked for again. */
export function every(milliseconds: number): (query: { readonly state: { readonly status: string } }) => number | false {
  return ({ state }) => (state.status === "error" ? false : milliseconds);
}
