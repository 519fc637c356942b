import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "uplot/dist/uPlot.min.css";
import "./styles/ground.css";
import "./styles/primitives.css";
import "./styles/pages.css";
import "./styles/create.css";
import "./styles/task.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/query-client.ts";
import { loadParts, router } from "./router.tsx";
import { TextProvider } from "./text/text-context.tsx";
import { theme, variables } from "./theme.ts";

/** What is shown first comes first. */
const PARTS_AFTER_MS = 1_000;

const root = document.querySelector("#console");
if (root === null) throw new Error("#console is missing in index.html");

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <TextProvider>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
        <Notifications position="bottom-right" />
      </TextProvider>
    </MantineProvider>
  </StrictMode>,
);

setTimeout(loadParts, PARTS_AFTER_MS);
