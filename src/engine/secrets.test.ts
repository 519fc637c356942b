import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSecrets } from "./secrets.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");
const OTHER = Buffer.alloc(32, 8).toString("base64");
let dir = "";
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "godwit-secrets-"))));
afterEach(async () => await rm(dir, { recursive: true }));

describe("secrets", () => {
  it("come back with the same key, and never look the same twice", async () => {
    const secrets = await openSecrets({ key: KEY });
    const text = "postgresql://u:pä%40ss@h/d";
    expect(secrets.encrypt(text, "task 1")).not.toBe(secrets.encrypt(text, "task 1"));
    expect(secrets.encrypt(text, "task 1")).not.toContain("ss@h");
    expect(secrets.decrypt(secrets.encrypt(text, "task 1"), "task 1")).toBe(text);
  });

  it.each([
    ["another key", OTHER, "task 1", (sealed: string) => sealed],
    ["another owner", KEY, "task 2", (sealed: string) => sealed],
    ["a changed byte", KEY, "task 1", (sealed: string) => `${sealed.slice(0, -6)}AAAA${sealed.slice(-2)}`],
    ["a text that never was one", KEY, "task 1", () => "v1:"],
    ["a later version", KEY, "task 1", (sealed: string) => sealed.replace("v1", "v2")],
  ])("do not open with %s", async (_, key, about, change) => {
    const sealed = (await openSecrets({ key: KEY })).encrypt("secret", "task 1");
    const secrets = await openSecrets({ key });
    expect(() => secrets.decrypt(change(sealed), about)).toThrow(expect.objectContaining({ code: "secret-key-wrong" }));
  });

  it("have a key file of their own, closed to others, that all openers share", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, async () => await openSecrets({ dir })));
    const sealed = all[0]?.encrypt("secret", "x") ?? "";
    expect(all.map((secrets) => secrets.decrypt(sealed, "x"))).toEqual(all.map(() => "secret"));
    expect((await stat(join(dir, "secret.key"))).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(join(dir, "secret.key"), "utf8"), "base64")).toHaveLength(32);
  });

  it.each(["", "short", Buffer.alloc(31).toString("base64")])("refuse a key file that holds %j", async (text) => {
    await writeFile(join(dir, "secret.key"), text);
    await expect(openSecrets({ dir })).rejects.toMatchObject({ code: "secret-key-wrong" });
  });

  it("need a key from outside when there is no directory", async () => {
    await expect(openSecrets({})).rejects.toMatchObject({ code: "secret-key-wrong" });
    await expect(openSecrets({ key: "!!" })).rejects.toMatchObject({ code: "secret-key-wrong" });
  });
});
