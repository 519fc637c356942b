import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

/** The rooms of src/, from the ground up: a file imports from its own layer and from those below. */
const LAYERS = [
  ["errors"],
  ["wire", "embedded"],
  ["catalog", "engine"],
  ["plan", "source", "structure", "copy", "stream", "complete", "verify"],
  ["precheck"],
  ["task"],
  ["server"],
  ["cli", "demo"],
];

/** The only places outside of the project that are named: where a system keeps such things, for those who have no home. */
const KNOWN_PLACES = ["/var/tmp/godwit-cache", "/var/lib/godwit"];

const files = globSync("{src,console/src,bench}/**/*.{ts,tsx}")
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => ({ file, text: readFileSync(file, "utf8") }));

const layerOf = (file: string): number => LAYERS.findIndex((rooms) => rooms.includes(file.split("/")[1] ?? ""));

test("every room of src is in a layer", () => {
  const rooms = files.filter(({ file }) => file.startsWith("src/")).map(({ file }) => file.split("/")[1]);
  expect(new Set(rooms)).toEqual(new Set(LAYERS.flat()));
});

test("imports point downwards, none leaves src, and the console shares only the contract", () => {
  const imports = files.flatMap(({ file, text }) =>
    [...text.matchAll(/\b(?:from|import\() ?"(\.[^"]+)"/g)].map((match) => ({ file, imported: normalize(join(dirname(file), match[1]!)) })),
  );
  expect(imports.length).toBeGreaterThan(1000);
  const upwards = imports.filter(({ file, imported }) => file.startsWith("src/") && imported.startsWith("src/") && layerOf(imported) > layerOf(file));
  const outwards = imports.filter(({ file, imported }) => file.startsWith("src/") && !imported.startsWith("src/") && imported !== "package.json");
  const ofConsole = imports.filter(({ file, imported }) => file.startsWith("console/") && !imported.startsWith("console/") && !imported.startsWith("src/server/contract/"));
  expect({ upwards, outwards, ofConsole }).toEqual({ upwards: [], outwards: [], ofConsole: [] });
});

test("names no file of one machine", () => {
  const places = files.flatMap(({ file, text }) => [...text.matchAll(/["'`](\/(?:tmp|var|root|home|work|opt|srv)\/[^"'`]*)["'`]/g)].map((match) => `${file}: ${match[1]}`));
  expect(places.filter((place) => !KNOWN_PLACES.some((known) => place.endsWith(`: ${known}`)))).toEqual([]);
});
