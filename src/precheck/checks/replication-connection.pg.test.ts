import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const TYPE = { type: "full+incremental" } as const;
const READER = "replication_reader";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("fails for an account without the right; its SQL gives it", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const ends = [asAccount(source, "source", READER), target.endpoint("target")] as const;
    const [item] = await itemsOf("replication-connection", ...ends, TYPE);
    expect(item).toMatchObject({ result: "failed", fixSql: `alter role "${READER}" replication;` });
    try {
      await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("replication-connection", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    } finally {
      await onServer(major, async (admin) => await admin.query(`alter role ${READER} noreplication`));
    }
  });
});
