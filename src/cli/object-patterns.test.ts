import { expect, it } from "vitest";
import { parseObjectPatterns } from "./object-patterns.ts";

it("parts several patterns at commas, but not inside quotes or a function's arguments", () => {
  expect(parseObjectPatterns("--include", 'table=public.a,"b,c",function=f(int, text),schema=s')).toEqual([
    { kind: "table", pattern: "public.a" },
    { kind: "table", pattern: '"b,c"' },
    { kind: "function", pattern: "f(int, text)" },
    { kind: "schema", pattern: "s" },
  ]);
});
