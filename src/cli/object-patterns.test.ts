import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { matcher } from "../plan/match-pattern.ts";
import { argumentFor } from "../plan/object-pattern.ts";
import { parseObjectPatterns } from "./object-patterns.ts";

it("parts several patterns at commas, but not inside quotes or a function's arguments", () => {
  expect(parseObjectPatterns("--include", 'table=public.a,"b,c",function=f(int, text),schema=s')).toEqual([
    { kind: "table", pattern: "public.a" },
    { kind: "table", pattern: '"b,c"' },
    { kind: "function", pattern: "f(int, text)" },
    { kind: "schema", pattern: "s" },
  ]);
});

it.each([
  ["shop", "role=shop"],
  ["my_app-2", "role=my_app-2"],
  ['Weird "DB" ü', `'role="Weird ""DB"" ü"'`],
  ["it's,*=?", `'role="it'\\''s,*=?"'`],
  ["$HOME", `'role="$HOME"'`],
])("what is advised for an object reaches it through a shell: %s", (name, argument) => {
  expect(argumentFor("role", name)).toBe(argument);
  const [pattern, ...more] = parseObjectPatterns("--include", execFileSync("sh", ["-c", `printf %s ${argument}`], { encoding: "utf8" }));
  expect(more).toEqual([]);
  expect(matcher(pattern?.pattern ?? "")(undefined, name)).toBe(true);
});
