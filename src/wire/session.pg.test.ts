import { describe, expect, it, vi } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openSession } from "./session.ts";

describe.each(TEST_MAJORS)("a session to PostgreSQL %i", (major) => {
  it("knows the server's version and has the standard settings", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    expect(session.major).toBe(major);
    expect(await session.query("select current_setting('row_security') as rls, current_setting('DateStyle') as style, current_setting('application_name') as app")).toEqual([
      { rls: "off", style: "ISO, YMD", app: "godwit" },
    ]);
  });

  it("does not take the password of another server from PGPASSWORD", async () => {
    const database = await createDatabase(major);
    const { password } = database.endpoint("source");
    vi.stubEnv("PGPASSWORD", password ?? "");
    vi.stubEnv("PGPASSFILE", "/nonexistent");
    await expect(openSession({ ...database.endpoint("source"), password: undefined })).rejects.toMatchObject({ code: "password-wrong" });
    vi.unstubAllEnvs();
  });

  it("refuses a wrong password with a code and without showing it", async () => {
    const database = await createDatabase(major);
    const attempt = openSession({ ...database.endpoint("target"), password: "sesame-wrong" });
    await expect(attempt).rejects.toMatchObject({ code: "password-wrong", exitCode: 3 });
    await expect(attempt).rejects.not.toThrow(/sesame/);
  });
});
