import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const TYPE = { type: "full+incremental" } as const;
const [READER, OWNER] = ["publication_reader", "publication_owner"];

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("names tables that belong to others; its SQL mends it; superusers may all", async () => {
    await createAccount(major, READER);
    await createAccount(major, OWNER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create table own (id int primary key); create table "Of another" (id int primary key); create table keyless (a int);
      alter table own owner to ${READER}; alter table "Of another" owner to ${OWNER}; alter table keyless owner to ${OWNER}; grant select on "Of another", keyless to ${READER}`);
    const ends = [asAccount(source, "source", READER), target.endpoint("target")] as const;
    const [item] = await itemsOf("publication-rights", ...ends, TYPE);
    expect(item).toMatchObject({
      result: "failed",
      evidence: [`no CREATE on database ${source.name}`, `public."Of another" belongs to ${OWNER}`, `public.keyless belongs to ${OWNER}`],
      fixSql: `grant create on database "${source.name}" to "${READER}";\ngrant "${OWNER}" to "${READER}";`,
    });
    try {
      await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("publication-rights", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    } finally {
      await onServer(major, async (admin) => await admin.query(`revoke ${OWNER} from ${READER}`));
    }
    expect(await itemsOf("publication-rights", source.endpoint("source"), ends[1], TYPE)).toMatchObject([{ result: "passed" }]);
  });
});
