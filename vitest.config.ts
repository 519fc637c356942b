import { defineConfig } from "vitest/config";
import { useMemoryForTemporaryFiles } from "./test/kit/memory-directory.ts";

useMemoryForTemporaryFiles();

/** `unit` needs nothing; `pg` talks to real servers of every major in GODWIT_TEST_MAJORS (default: oldest, middle, newest). */
export default defineConfig({
  test: {
    reporters: ["default", "./test/kit/count-reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["{src,test,bench,console/src}/**/*.test.ts"],
          exclude: ["**/*.pg.test.ts", "**/*.matrix.test.ts", "**/*.long.test.ts"],
        },
      },
      {
        test: {
          name: "pg",
          include: ["src/**/*.pg.test.ts", "test/**/*.pg.test.ts"],
          globalSetup: "test/kit/global-servers.ts",
          setupFiles: ["test/kit/leak-check.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          // What is awaited takes as long as the machine is slow; Vitest's own second is too short for that.
          expect: { poll: { timeout: 20_000 } },
          // Some tests catch a moment of several processes: on a machine that is busy with something else they may miss it once.
          retry: 1,
        },
      },
    ],
  },
});
