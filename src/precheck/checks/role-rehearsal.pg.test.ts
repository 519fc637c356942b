import { afterEach, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const [WRITER, READER] = ["role_writer", "role_reader"];
const include = [{ kind: "role", pattern: "rehearse_*" }] as const;

afterEach(async () => await onServer(oldest, async (admin) => await admin.query('drop role if exists rehearse_a, "rehearse_ B"')));

it.runIf(oldest < 16 && newest >= 16)("tells what an account cannot give to roles, and leaves none of them there", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await createAccount(newest, WRITER, "login createrole");
  await onServer(
    oldest,
    async (admin) =>
      await admin.query(`create role rehearse_a superuser replication bypassrls createdb login password 'hidden'; alter role rehearse_a set log_statement = 'all'; alter role rehearse_a set work_mem = '8MB';
        create role "rehearse_ B"; grant pg_monitor, rehearse_a to "rehearse_ B"`),
  );
  const items = async (end = asAccount(target, "target", WRITER)) => await itemsOf("role-rehearsal", source.endpoint("source"), end, { include });
  const without = (attribute: string): string => `role rehearse_a: created without ${attribute}, which the account "${WRITER}" may not give.`;
  const [item] = await items();
  expect(item).toMatchObject({ result: "alarm" });
  expect(item?.evidence).toEqual([
    without("SUPERUSER"),
    without("CREATEDB"),
    without("REPLICATION"),
    without("BYPASSRLS"),
    "role rehearse_a: setting log_statement: left out, this account may not set it.",
    expect.stringMatching(/^role rehearse_ B: membership in pg_monitor: left out: .* permission denied to grant role "pg_monitor"/),
  ]);
  expect(await items(target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  expect(await target.query("select from pg_roles where rolname in ('rehearse_a', 'rehearse_ B')")).toEqual([]);
});

// On servers of its own: what else is done to roles of a shared one would be told as well.
it("names roles that would not be able to log in, as their hashes cannot be read; its SQL mends it", async () => {
  await using source = await startServer({ major: oldest });
  await using target = await startServer({ major: newest });
  const [admin, end] = [parseEndpoint("source", source.uri()), parseEndpoint("target", target.uri())];
  {
    await using session = await openSession(admin);
    await session.query(`create role ${READER} login password 'secret'; create role rehearse_a login password 'hidden'; create role "rehearse_ B"`);
  }
  const ends = [{ ...admin, user: READER, password: "secret" }, end] as const;
  expect(await itemsOf("role-rehearsal", ...ends, { include })).toMatchObject([
    {
      result: "alarm",
      evidence: ["role rehearse_a: may log in at the source; its password hash cannot be read"],
      fixSql: `grant select on pg_catalog.pg_authid to "${READER}";`,
    },
  ]);
  await mend((await itemsOf("role-rehearsal", ...ends, { include }))[0], admin, end);
  expect(await itemsOf("role-rehearsal", ...ends, { include })).toMatchObject([{ result: "passed" }]);
});
