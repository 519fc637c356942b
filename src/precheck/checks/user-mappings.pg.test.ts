import { expect, it } from "vitest";
import { asAccount, createAccount, itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const READER = 'Mapping "reader"';

it("names user mappings whose options the account does not see", async () => {
  const major = TEST_MAJORS.at(-1)!;
  await createAccount(major, READER);
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  const reader = '"Mapping ""reader"""';
  await source.query(`create extension postgres_fdw; create server "Far ""one""" foreign data wrapper postgres_fdw; grant usage on foreign server "Far ""one""" to ${reader};
    create user mapping for postgres server "Far ""one""" options (user 'u', password 'hidden'); create user mapping for public server "Far ""one""";
    create user mapping for ${reader} server "Far ""one""" options (user 'u', password 'p')`);
  const items = async (end = asAccount(source, "source", READER), changes = {}) => await itemsOf("user-mappings", end, target.endpoint("target"), changes);
  const [item] = await items();
  expect(item).toMatchObject({
    result: "alarm",
    evidence: ['user mapping of postgres for server Far "one": options hidden', 'user mapping of public for server Far "one": options hidden'],
  });
  expect(await items(source.endpoint("source"))).toMatchObject([{ result: "passed" }]);
  await source.query('drop user mapping for postgres server "Far ""one"""; drop user mapping for public server "Far ""one"""');
  expect(await items()).toMatchObject([{ result: "passed" }]);
});
