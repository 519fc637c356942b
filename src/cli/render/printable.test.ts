import { expect, it } from "vitest";
import { printable, printableEvent } from "./printable.ts";

it("shows what would move a terminal's cursor, and keeps all else", () => {
  expect(printable("t\u001b[31m\r\u0007\u007f\u009b ü 表\n")).toBe("t␛[31m␍␇␡\uFFFD ü 表\n");
  expect(printable("t\nEVIL", false)).toBe("t␊EVIL");
});

it("goes through an event: lines of evidence are one line each, SQL keeps its lines", () => {
  const at = new Date(0);
  expect(printableEvent({ event: "check", at, item: { evidence: ["a\nb", "c\u001b"], fixSql: "d;\ne;", count: 1, none: null } })).toEqual({
    event: "check",
    at,
    item: { evidence: ["a␊b", "c␛"], fixSql: "d;\ne;", count: 1, none: null },
  });
});
