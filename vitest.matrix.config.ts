import { defineConfig } from "vitest/config";
import { useMemoryForTemporaryFiles } from "./test/kit/memory-directory.ts";

useMemoryForTemporaryFiles();

/** Every source major to every target major of GODWIT_TEST_MAJORS; see the script test:matrix. */
export default defineConfig({
  test: {
    name: "matrix",
    reporters: ["default", "./test/kit/count-reporter.ts"],
    include: ["test/**/*.matrix.test.ts"],
    globalSetup: "test/kit/global-servers.ts",
    setupFiles: ["test/kit/leak-check.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
