import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiFailure, isLoggedOut } from "./api-failure.ts";
import { SESSION_KEY } from "./session.ts";

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
      // What the server refuses once it refuses again.
      retry: (failures, error) => failures < 2 && error instanceof ApiFailure && (error.status === 0 || error.status >= 500),
    },
  },
});
