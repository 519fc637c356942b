import { defineConfig } from "vitest/config";

/** `npm run test:long`: what takes minutes. One file at a time: they measure memory and fill disks. */
export default defineConfig({
  test: {
    include: ["**/*.long.test.ts"],
    exclude: ["node_modules/**"],
    reporters: ["default", "./test/kit/count-reporter.ts"],
    globalSetup: "test/kit/global-servers.ts",
    setupFiles: ["test/kit/leak-check.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
    expect: { poll: { timeout: 20_000 } },
  },
});
