import { afterAll, afterEach, expect } from "vitest";
import { closeMakers, findLeaks } from "./databases.ts";
import { removeStateDirectories } from "./state-directory.ts";

/** A test fails that leaves a connection or a slot of the product behind. */
afterEach(async () => {
  // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test
  expect(await findLeaks()).toEqual([]);
});

afterAll(closeMakers);

/** Command lines of one file share a store, which a killed one leaves running. */
afterAll(removeStateDirectories);
