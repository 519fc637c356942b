import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { OLD_MAJORS, ownBuild } from "../../embedded/binaries.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

const TYPE = { type: "full+incremental" } as const;
const [READER, OWNER] = ["publication_reader", "publication_owner"];

const inheriting = (major: number): string => (major >= 16 ? " with inherit true, set true" : "");

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
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
      fixSql: `grant create on database "${source.name}" to "${READER}";\ngrant "${OWNER}" to "${READER}"${inheriting(major)};`,
    });
    try {
      await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("publication-rights", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    } finally {
      await onServer(major, async (admin) => await admin.query(`revoke ${OWNER} from ${READER}`));
    }
    expect(await itemsOf("publication-rights", source.endpoint("source"), ends[1], TYPE)).toMatchObject([{ result: "passed" }]);
  });

  it("asks for more than a membership where the account does not inherit; its SQL mends it", async () => {
    const reader = "publication_noinherit";
    await createAccount(major, reader, "login noinherit");
    await createAccount(major, OWNER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(
      `create table t (id int primary key); alter table t owner to ${OWNER}; grant select on t to ${reader}; grant create on database ${source.name} to ${reader}`,
    );
    await source.query(`grant ${OWNER} to ${reader}`); // a member, who has none of the rights
    const ends = [asAccount(source, "source", reader), target.endpoint("target")] as const;
    try {
      const [item] = await itemsOf("publication-rights", ...ends, TYPE);
      expect(item).toMatchObject({ result: "failed", evidence: [`public.t belongs to ${OWNER}`] });
      await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("publication-rights", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    } finally {
      await source.query(`revoke ${OWNER} from ${reader}; alter role ${reader} noinherit`);
    }
  });

  it("warns of a membership that makes a superuser; its SQL mends it all the same", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create table of_all (id int primary key); grant select on of_all to ${READER}; grant create on database ${source.name} to ${READER}`);
    const ends = [asAccount(source, "source", READER), target.endpoint("target")] as const;
    const [item] = await itemsOf("publication-rights", ...ends, TYPE);
    expect(item).toMatchObject({
      result: "failed",
      evidence: ["public.of_all belongs to postgres"],
      fix: expect.stringContaining("Whoever is a member of postgres can act as a superuser"),
      fixSql: `grant "postgres" to "${READER}"${inheriting(major)};`,
    });
    try {
      await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("publication-rights", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: ["1 tables looked at"] }]);
    } finally {
      await onServer(major, async (admin) => await admin.query(`revoke postgres from ${READER}`));
    }
  });
});

for (const major of OLD_MAJORS) {
  it.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major}: asks only for the tables whose replica identity has to be changed`, async () => {
    await using server = await startServer({ major });
    const target = await createDatabase(TEST_MAJORS.at(-1)!);
    const admin = parseEndpoint("source", server.uri());
    const ends = [{ ...admin, user: READER, password: "secret" }, target.endpoint("target")] as const;
    await using session = await openSession(admin);
    // Without CREATE on the database: there is no publication to be made.
    await session.query(`create role ${OWNER}; create role ${READER} login replication password 'secret'; revoke create on database postgres from public;
      create table public.keyed (id int primary key); create table public.coded (code text not null unique); create table public.keyless (a int);
      alter table public.keyed owner to ${OWNER}; alter table public.coded owner to ${OWNER}; alter table public.keyless owner to ${OWNER};
      grant select on public.keyed, public.coded, public.keyless to ${READER}`);
    const [item] = await itemsOf("publication-rights", ...ends, TYPE);
    expect(item).toMatchObject({
      result: "failed",
      evidence: [`public.coded belongs to ${OWNER}`, `public.keyless belongs to ${OWNER}`],
      fixSql: `grant "${OWNER}" to "${READER}";`,
    });
    await mend(item, admin, ends[1]);
    expect(await itemsOf("publication-rights", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: ["2 tables looked at"] }]);
  });
}
