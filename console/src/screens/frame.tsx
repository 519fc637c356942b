import { Center, Loader } from "@mantine/core";
import { Outlet } from "@tanstack/react-router";
import { type ReactNode, Suspense } from "react";
import { Outage } from "./outage.tsx";

/** Around every page: waits for the session, which decides what is shown at all. */
export function Frame(): ReactNode {
  return (
    <>
      <Outage />
      <Suspense
        fallback={
          <Center mih="60vh">
            <Loader size="sm" />
          </Center>
        }
      >
        <Outlet />
      </Suspense>
    </>
  );
}
