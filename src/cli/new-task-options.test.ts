import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addNewTaskOptions, parseMoment } from "./new-task-options.ts";

describe("--at", () => {
  it.each([
    ["2099-01-31T22:00Z", "2099-01-31T22:00:00.000Z"],
    ["2099-01-31T22:00:30+01:00", "2099-01-31T21:00:30.000Z"],
    // this machine's time
    ["2099-01-31T22:00", new Date(2099, 0, 31, 22).toISOString()],
    ["2099-01-31", new Date(2099, 0, 31).toISOString()],
  ])("%s", (text, moment) => {
    expect(parseMoment(text).toISOString()).toBe(moment);
  });

  it.each(["tomorrow", "", "2099-13-01T00:00", "2099-02-30", "2099-02-30T10:00Z", "2099-01-31T25:00Z", "2099-01-31 and more", "9999-12-31T23:59-14:00"])(
    "%s is no time",
    (text) => {
      expect(() => parseMoment(text)).toThrow("A time is wanted");
    },
  );

  it("a moment that is past starts nothing", () => {
    expect(() => parseMoment("2020-01-01T00:00Z")).toThrow("That moment is past");
    expect(parseMoment(new Date(Date.now() - 5000).toISOString())).toBeInstanceOf(Date);
  });
});

describe("names and tags", () => {
  const parse = (...args: string[]): unknown =>
    addNewTaskOptions(new Command()).exitOverride().configureOutput({ writeErr: () => undefined }).parse(args, { from: "user" }).opts(); // prettier-ignore

  it("hold what people write", () => {
    expect(parse("--name", "the shop, é 名", "--tag", "team=shop", "--tag", "team=", "--tag", "a=b=c")).toMatchObject({ name: "the shop, é 名", tag: { team: "", a: "b=c" } });
  });

  it.each([
    ["--name", "two\nlines"],
    ["--name", "\u001B[31mred"],
    ["--tag", "a=b\nc"],
    ["--tag", "a\u0007=b"],
    ["--name", " "],
  ])("not %j %j", (option, text) => {
    expect(() => parse(option, text)).toThrow(/Control characters|A name is wanted/);
  });
});
