import { expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { OLD_MAJORS, ownBuild } from "../embedded/binaries.ts";
import { startServer } from "../embedded/server.ts";
import { copyTables } from "../plan/plan-chunks.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import { sequencesSince, sequencesStillThere, unloggedStillThere } from "./still-there.ts";

const newest = TEST_MAJORS.at(-1)!;

const STRUCTURE = "kept dropped renamed anew one other"
  .split(" ")
  .map((name) => `create sequence public.${name}; create unlogged table public.u_${name} (id int)`)
  .join("; ");
const CHANGES = ["s", "u"]
  .map((kind) => {
    const [what, prefix] = kind === "s" ? ["sequence", ""] : ["table", "u_"];
    const make = kind === "s" ? `create sequence public.anew` : `create unlogged table public.u_anew (id int, "A ""b" text)`;
    const rename = (from: string, to: string): string => `alter ${what} public.${prefix}${from} rename to ${prefix}${to}`;
    return `drop ${what} public.${prefix}dropped; drop ${what} public.${prefix}anew; ${make}; ${rename("renamed", "new_name")}; ${rename("one", "swap")}; ${rename("other", "one")}; ${rename("swap", "other")}`;
  })
  .join("; ");

async function compare(source: Session): Promise<void> {
  const target = await createDatabase(newest);
  await source.query(STRUCTURE);
  await target.query(STRUCTURE);
  await using session = await openSession(target.endpoint("target"));
  const catalog = await readCatalog(source);
  const sequences = catalog.relations.filter(({ kind }) => kind === "sequence");
  const unlogged = copyTables(catalog, ({ kind }) => kind === "table");
  const now = async (): Promise<unknown> => {
    const [ofSequences, ofTables] = [await sequencesStillThere(source, session, sequences), await unloggedStillThere(source, session, unlogged)];
    const notes = [...ofSequences.notes, ...ofTables.notes];
    return { sequences: ofSequences.now.map(({ name }) => name).toSorted(), tables: ofTables.now.map(({ from, columns }) => `${from} ${columns}`).toSorted(), notes };
  };
  await source.query(CHANGES);
  await expect(now()).rejects.toMatchObject({ code: "schema-changed" });
  await target.query(CHANGES);
  expect(await now()).toEqual({
    sequences: ["anew", "kept", "new_name", "one", "other"],
    tables: ['"public"."u_anew" "id", "A ""b"', ...["kept", "new_name", "one", "other"].map((name) => `"public"."u_${name}" "id"`)],
    notes: ["sequence public.dropped was dropped on both sides meanwhile", "unlogged table public.u_dropped was dropped on both sides meanwhile"],
  });
  await source.query("create table public.a (id serial, m serial); create sequence public.order_no; create sequence public.lonely; create temporary sequence passing");
  await target.query("create table public.a (id serial, m int); create sequence public.order_no");
  for (const database of [source, target]) await database.query("alter sequence public.kept rename to kept_before; create sequence public.kept");
  const stillThere = await sequencesStillThere(source, session, sequences);
  expect(await sequencesSince(source, session, stillThere.now)).toEqual({
    now: [
      { schema: "public", name: "a_id_seq" },
      { schema: "public", name: "kept" },
      { schema: "public", name: "order_no" },
    ],
    notes: ["a_m_seq", "lonely"].map((name) => `sequence public.${name} came at the source meanwhile, and is not on the target`),
  });
  await target.query("create unlogged table public.u_dropped (id int)");
  await expect(now()).rejects.toMatchObject({ code: "schema-changed", object: "public.u_dropped" });
}

it.each(TEST_MAJORS)("PostgreSQL %i: what was planned is found under its new name, and what is on one side only is told", async (major) => {
  const source = await createDatabase(major);
  await using session = await openSession(source.endpoint("source"));
  await compare(session);
});

for (const major of OLD_MAJORS) {
  // Nobody packages these: see test/README.md.
  it.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major}: what was planned is found under its new name`, async () => {
    await using server = await startServer({ major });
    await using session = await openSession(parseEndpoint("source", server.uri()));
    await compare(session);
  });
}
