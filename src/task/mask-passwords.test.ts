import { describe, expect, it } from "vitest";
import { maskArguments, maskEvent, maskPasswords } from "./mask-passwords.ts";

describe("passwords are taken out of what is printed", () => {
  it.each([
    ["too many arguments: postgresql://a:sesame@h/x", "too many arguments: postgresql://a:***@h/x"],
    [String.raw`host=h password=sesame${"\\"}`, "host=h password=***"],
    ["'postgres://:sesame@h/x'", "'postgres://:***@h/x'"],
    ["postgresql://a:ses/@:ame ame@h/x and more", "postgresql://a:***@h/x and more"],
    ["postgresql://h/x?user=a&password=sesame&ses=ame", "postgresql://h/x?user=a&password=***"],
    ["unknown option '--sorce=host=h password=sesame'", "unknown option '--sorce=host=h password=***'"],
    ["'--sorce=host=h password='ses ame x''", "'--sorce=host=h password=***'"],
    ["host=h password = 'it\\'s sesame' user=a", "host=h password = *** user=a"],
    ["password='ses ame", "password=***"],
    ['password="ses ame" user=a', "password=*** user=a"],
    ["password=ses\\ ame user=a", "password=*** user=a"],
    ["PASSWORD=sesame\nnext", "PASSWORD=***\nnext"],
    ["sslpassword=sesame host=h", "sslpassword=*** host=h"],
  ])("%s", (text, masked) => expect(maskPasswords(text)).toBe(masked));

  it.each(["source app@db:5432/shop → target app@other:5433/shop", "postgresql://user@host:port/database?sslmode=…", "https://www.postgresql.org/docs/", "no password was given"])(
    "%s stays",
    (text) => expect(maskPasswords(text)).toBe(text),
  );

  it("also of a URI without its scheme, where an argument is quoted", () => {
    expect(maskArguments("too many arguments: app:sesame@db/shop")).toBe("too many arguments: ***@db/shop");
  });

  it("in every text of an event, but not in the keys of rows", () => {
    const uri = "postgresql://a:sesame@h/x";
    expect(JSON.stringify(maskEvent({ event: "error", code: "plan-invalid", message: uri, object: uri, advice: uri }))).not.toContain("sesame");
    expect(JSON.stringify(maskEvent({ event: "notice", level: "info", message: uri, object: uri }))).not.toContain("sesame");
    const difference = { event: "difference", database: "d", table: "t", reason: "differs", keys: [`(${uri})`] } as const;
    expect(maskEvent(difference)).toBe(difference);
  });
});

it("takes no longer than it is to read, whatever somebody makes it read", () => {
  const began = performance.now();
  for (const text of ["://a:", "password=", "password=)", "password='", String.raw`password=\ `, "://a:@", "a:"]) maskPasswords(text.repeat(100_000));
  maskPasswords(`password=${")".repeat(100_000)}x`.repeat(5));
  expect(performance.now() - began).toBeLessThan(2000);
});
