import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { type Attendant, withPassword } from "./password-prompt.ts";

/** Somebody who types these answers, one per question. */
function typist(answers: string[]): Attendant & { readonly asked: string[]; readonly raw: boolean[] } {
  const asked: string[] = [];
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (on: boolean) => raw.push(on) });
  const output = {
    write: (text: string): void => {
      asked.push(text);
      if (text.startsWith("Password")) setTimeout(() => input.write(answers.shift() ?? "\u0003"), 5);
    },
  };
  return { input, output, asked, raw };
}

describe("a missing password", () => {
  const major = TEST_MAJORS.at(-1)!;

  it("is asked for, without echo, and once more when it is wrong", async () => {
    const database = await createDatabase(major);
    const { password, ...rest } = database.endpoint("source");
    const attendant = typist(["sesame\r", `wrong\u0015x\u007f${password}\r`]);
    const completed = await withPassword({ ...rest, password: undefined }, attendant);
    expect(completed.password).toBe(password);
    expect(attendant.asked.join("")).toMatch(/^Password of source postgres@127\.0\.0\.1:\d+\/\w+: \nThe server refused this password\. Once more, please\.\nPassword of .*: \n$/);
    expect(attendant.raw).toEqual([true, false, true, false]);
  });

  it("is not asked for when one was given, when nobody is there, or when it is not what is missing", async () => {
    const database = await createDatabase(major);
    const endpoint = database.endpoint("target");
    const attendant = typist([]);
    expect(await withPassword(endpoint, attendant)).toBe(endpoint);
    const without = { ...endpoint, password: undefined };
    expect(await withPassword(without, undefined)).toBe(without);
    const elsewhere = { ...without, port: 1 };
    expect(await withPassword(elsewhere, attendant)).toBe(elsewhere);
    expect(attendant.asked).toEqual([]);
  });

  it("that nobody wants to type is an interruption", async () => {
    const database = await createDatabase(major);
    const attempt = withPassword({ ...database.endpoint("source"), password: undefined }, typist(["\u0003"]));
    await expect(attempt).rejects.toMatchObject({ code: "interrupted" });
  });
});
