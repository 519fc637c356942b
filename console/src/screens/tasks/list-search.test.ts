import { describe, expect, it } from "vitest";
import { TASK_STATES } from "../../../../src/task/states.ts";
import { PAGE, isNarrowed, listQuery, readListSearch } from "./list-search.ts";

describe("the list in the address", () => {
  it("knows all states, and the names of groups", () => {
    expect(listQuery(readListSearch({ state: TASK_STATES.join(",") })).state).toBe(TASK_STATES.join(","));
    expect(listQuery(readListSearch({ state: "ended" })).state).toBe("succeeded,terminated");
    expect(listQuery(readListSearch({ state: "all" }))).not.toHaveProperty("state");
  });

  it.each(["nonsense", "toString", "__proto__", ",", "running,nonsense"])("reads the state %s as not given", (state) => {
    expect(listQuery(readListSearch({ state }))).toEqual({ limit: PAGE, offset: 0 });
  });

  it.each(["fre", "=", "=x", "a=b,", "a=b,fre"])("does not ask for the tag %s before it is name=value", (tag) => {
    const search = readListSearch({ tag });
    expect(search).toEqual({ tag });
    expect(isNarrowed(search)).toBe(false);
    expect(listQuery(search)).toEqual({ limit: PAGE, offset: 0 });
  });

  it("asks for one tag and for several", () => {
    expect(listQuery(readListSearch({ tag: "a=" })).tag).toBe("a=");
    expect(listQuery(readListSearch({ tag: "a=b,c=d=e" })).tag).toBe("a=b,c=d=e");
  });

  it.each([["2", 50], ["99", 4900], ["1e9", 1_000_000], ["1e300", 1_000_000], ["-1", 0], ["1.5", 0], ["x", 0]])("begins page %s at %i", (page, offset) => {
    expect(listQuery(readListSearch({ page })).offset).toBe(offset);
  }); // prettier-ignore

  it("asks for no longer text than the server takes", () => {
    expect(listQuery(readListSearch({ search: "x".repeat(300) })).search).toHaveLength(200);
    expect(listQuery(readListSearch({ tag: `a=${"x".repeat(500)}` })).tag).toHaveLength(400);
  });
});
