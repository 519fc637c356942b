import { describe, expect, it } from "vitest";
import { asAccount, createAccount } from "../../test/kit/checks.ts";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../test/kit/majors.ts";
import { copyLargeObjects } from "../copy/large-objects.ts";
import { openSession } from "../wire/session.ts";
import { alignLargeObjects } from "./large-objects.ts";

const SIGNAL = new AbortController().signal;
const PLAIN = "large_plain";
const CONTENT = "select oid::text as oid, md5(lo_get(oid)) as content, obj_description(oid, 'pg_largeobject') as comment from pg_largeobject_metadata order by 1";

describe.each(OUTER_MAJORS)("from PostgreSQL %i", (major) => {
  it("brings new, changed and removed ones into line, and leaves what is not ours", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    await source.query(
      `select lo_from_bytea(1000 + n, convert_to(repeat('x', 3000 + n), 'UTF8')) from generate_series(1, 30) n; comment on large object 1005 is 'five'; select lo_from_bytea(5000, '')`,
    );
    await target.query("select lo_from_bytea(77, 'not ours')");
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const options = { noOwner: true, noPrivileges: true };
    await copyLargeObjects(from, into, options, SIGNAL);
    const align = async (): Promise<unknown> => await alignLargeObjects(from, into, { ...options, keep: ["77"] }, SIGNAL);
    expect(await align()).toEqual({ aligned: [], notes: [] });

    await source.query("select lo_unlink(1001), lo_unlink(1030)");
    await source.query("select lo_put(1005, 2500, 'yy'), lo_put(1006, 100000, 'behind a hole'), lo_from_bytea(2000, 'new')");
    await source.query("begin; select lo_truncate(lo_open(1007, 131072), 2048); commit; begin; select lo_truncate(lo_open(5000, 131072), 10); commit");
    expect(await align()).toEqual({ aligned: [{ object: "large objects", to: "1 created, 4 written again, 2 removed" }], notes: [] });
    expect(await align()).toEqual({ aligned: [], notes: [] });
    const there: readonly { readonly oid: string }[] = await target.query(CONTENT);
    expect(there.filter(({ oid }) => oid !== "77")).toEqual(await source.query(CONTENT));
    expect(there).toContainEqual(expect.objectContaining({ oid: "1005", comment: "five" }));
    expect(there).toContainEqual(expect.objectContaining({ oid: "77" }));
  });

  it("copies all again where the account may read each of them but not their catalog", async () => {
    await createAccount(major, PLAIN);
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    await source.query(`select lo_from_bytea(10, 'ten'), lo_from_bytea(11, 'eleven'), lo_from_bytea(12, 'twelve'); grant select on large object 10, 11, 12 to ${PLAIN}`);
    await target.query("select lo_from_bytea(10, 'ten'), lo_from_bytea(11, 'old')");
    await using from = await openSession(asAccount(source, "source", PLAIN));
    await using into = await openSession(target.endpoint("target"));
    const { aligned } = await alignLargeObjects(from, into, { noOwner: true, noPrivileges: true, keep: [] }, SIGNAL);
    expect(aligned).toEqual([{ object: "large objects", to: expect.stringMatching(/^1 created, 2 written again, 0 removed \(all of them/) }]);
    expect(await target.query(CONTENT)).toEqual(await source.query(CONTENT));
  });
});
