import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { openSession } from "../wire/session.ts";
import { alignSequences } from "./sequences.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

describe("sequences at Complete", () => {
  it("are set where they differ, descending, cached and cycling ones too, and each is told from what to what", async () => {
    const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
    for (const database of [source, target]) {
      await database.query(`create sequence up; create sequence down increment -1; create sequence cached cache 100; create sequence round maxvalue 3 cycle;
        create sequence same; create sequence untouched; create sequence "Odd ""one"""; select nextval('same')`);
    }
    await source.query(
      `select nextval('up') from generate_series(1, 42); select nextval('down'); select nextval('cached'); select nextval('round') from generate_series(1, 4); select setval('"Odd ""one"""', 9, false)`,
    );
    await target.query("select setval('up', 1000)");
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const sequences = (await readCatalog(from)).relations.filter(({ kind }) => kind === "sequence");
    const { aligned, notes } = await alignSequences(from, into, sequences);
    expect(notes).toEqual([]);
    expect(aligned.toSorted((a, b) => (a.object < b.object ? -1 : 1))).toEqual([
      { object: 'sequence public."Odd ""one"""', from: "1 (not drawn yet)", to: "9 (not drawn yet)" },
      { object: "sequence public.cached", from: "1 (not drawn yet)", to: "100" },
      { object: "sequence public.down", from: "-1 (not drawn yet)", to: "-1" },
      { object: "sequence public.round", from: "1 (not drawn yet)", to: "1" },
      { object: "sequence public.up", from: "1000", to: "42" },
    ]);
    expect(await alignSequences(from, into, sequences)).toEqual({ aligned: [], notes: [] });
    expect(await target.query("select nextval('up')::int as up, nextval('down')::int as down, nextval('round')::int as round")).toEqual([{ up: 43, down: -2, round: 2 }]);
  });
});
