import { describe, expect, it } from "vitest";
import { settingSql, splitNameList } from "./setting.ts";

describe("a stored setting", () => {
  it("is one literal, even when it is a list", () => {
    expect(settingSql(`alter role "r"`, { name: "DateStyle", value: "ISO, DMY" })).toBe(`alter role "r" set "DateStyle" to 'ISO, DMY'`);
    expect(settingSql(`alter role "r"`, { name: "app.motto", value: "it's" })).toBe(`alter role "r" set "app.motto" to 'it''s'`);
  });

  it("is a literal for each part when it is a list of quoted names", () => {
    expect(settingSql(`alter role "r"`, { name: "search_path", value: `"$user", public, "a, ""b"""` })).toBe(`alter role "r" set "search_path" to '$user', 'public', 'a, "b"'`);
    expect(settingSql(`alter role "r"`, { name: "search_path", value: `""` })).toBe(`alter role "r" set "search_path" to ''`);
    expect(settingSql(`alter role "r"`, { name: "search_path", value: "" })).toBe(`alter role "r" set "search_path" to ''`);
  });
});

describe("a list of quoted names", () => {
  it("is divided as the server does it", () => {
    expect(splitNameList(`"$user",PUBLIC , "A,b"`)).toEqual(["$user", "public", "A,b"]);
  });

  it("that is none stays undivided", () => {
    expect(splitNameList("a,")).toBeUndefined();
    expect(splitNameList(`"a`)).toBeUndefined();
    expect(splitNameList("a b")).toBeUndefined();
  });
});
