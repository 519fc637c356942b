import { describe, expect, it } from "vitest";
import { asAccount, createAccount } from "../../test/kit/checks.ts";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../test/kit/majors.ts";
import { Ledger } from "../copy/ledger.ts";
import { describeEntry, prepareForEntries } from "../structure/apply-entries.ts";
import { dumpStructure } from "../structure/dump.ts";
import type { Entry } from "../structure/entry.ts";
import { parseDump } from "../structure/parse-dump.ts";
import { openSession } from "../wire/session.ts";
import { applyDeferred, divideDeferred, mayBypassTriggers } from "./deferred-entries.ts";

const SIGNAL = new AbortController().signal;
const PLAIN = "deferring_plain";

const STRUCTURE = `
  create table parent (id int primary key); create table child (id int primary key, parent int references parent);
  create function f() returns trigger language plpgsql as 'begin return new; end';
  create trigger plain before insert on child for each row execute procedure f(); comment on trigger plain on child is 'said of plain';
  create trigger always before insert on child for each row execute procedure f(); alter table child enable always trigger always; comment on trigger always on child is 'said of always';
  create trigger replica after update on child for each row execute procedure f(); alter table child enable replica trigger replica;
  create trigger off after update on child for each row execute procedure f(); alter table child disable trigger off;
  create rule quiet as on delete to child do also notify somebody; create rule loud as on update to child do also notify somebody; alter table child enable always rule loud`;

async function postData(endpoint: Parameters<typeof dumpStructure>[0]): Promise<Entry[]> {
  const options = { snapshot: undefined, publications: false, noOwner: true, noPrivileges: true, program: undefined };
  return parseDump(await dumpStructure(endpoint, options, SIGNAL)).filter(({ section }) => section === "post");
}

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("knows whether the account may write without waking triggers", async () => {
    await createAccount(major, PLAIN);
    const database = await createDatabase(major);
    await using superuser = await openSession(database.endpoint("target"));
    await using plain = await openSession(asAccount(database, "target", PLAIN));
    expect([await mayBypassTriggers(superuser), await mayBypassTriggers(plain)]).toEqual([true, false]);
    expect(await superuser.query("show session_replication_role")).toEqual([{ session_replication_role: "origin" }]);
    if (major < 15) return;
    await superuser.query(`grant set on parameter session_replication_role to ${PLAIN}`);
    try {
      expect(await mayBypassTriggers(plain)).toBe(true);
    } finally {
      await superuser.query(`revoke set on parameter session_replication_role from ${PLAIN}`);
    }
  });

  it("keeps back what would act on changes that hold its effects already, and creates it in the end, once", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    await source.query(STRUCTURE);
    const entries = await postData(source.endpoint("source"));
    const deferred = (bypasses: boolean): string[] => divideDeferred(entries, bypasses).deferred.map(describeEntry).toSorted();
    expect(deferred(true)).toEqual(["COMMENT public.TRIGGER always ON child", "RULE public.child loud", "TRIGGER public.child always", "TRIGGER public.child replica"]);
    expect(deferred(false)).toEqual([
      "COMMENT public.TRIGGER always ON child",
      "COMMENT public.TRIGGER plain ON child",
      "FK CONSTRAINT public.child child_parent_fkey",
      "RULE public.child loud",
      "RULE public.child quiet",
      "TRIGGER public.child always",
      "TRIGGER public.child off",
      "TRIGGER public.child plain",
      "TRIGGER public.child replica",
    ]);
    const divided = divideDeferred(entries, false);
    expect(divided.now.length + divided.deferred.length).toBe(entries.length);

    await target.query(STRUCTURE.replace(/create trigger[^]*$/, ""));
    await target.query("alter table child drop constraint child_parent_fkey");
    await using session = await openSession(target.endpoint("target"), { pipeline: true });
    await prepareForEntries(session);
    const first = await applyDeferred(session, divided.deferred, { ledger: await Ledger.open(session, "test"), name: "deferred" }, SIGNAL);
    expect(first.aligned).toContainEqual({ object: "TRIGGER public.child plain", to: "created" });
    const again = await applyDeferred(session, divided.deferred, { ledger: await Ledger.open(session, "test"), name: "deferred" }, SIGNAL);
    expect(again.aligned).toEqual([]);
    const triggers = "select tgname, tgenabled::text as state from pg_trigger where not tgisinternal order by 1";
    expect(await target.query(triggers)).toEqual(await source.query(triggers));
  });
});
