import { describe, expect, it } from "vitest";
import type { Entry } from "./entry.ts";
import { planPostData } from "./post-data.ts";

const MB = 1024 * 1024;
let nextId = 1;
const entry = (type: string, oid: string, sql: string, more: Partial<Entry> = {}): Entry => ({
  dumpId: nextId++,
  catalogOid: "1259",
  oid,
  name: "orders x",
  type,
  schema: "public",
  owner: "ann",
  dependencies: [],
  section: "post",
  settings: "",
  sql,
  ...more,
});
const index = (bytes: number, isPartitioned = false) => ({ schema: "public", name: "x", tableOid: "1", bytes, isPartitioned });

describe("planPostData", () => {
  it("builds a large primary key as an index of its own, and adopts it after", () => {
    const sql =
      'ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT "orders pkey" PRIMARY KEY (id, "a,b") INCLUDE (c) WITH (fillfactor=\'70\') DEFERRABLE INITIALLY DEFERRED;\n\nALTER TABLE public.orders CLUSTER ON "orders pkey";';
    const plan = planPostData([entry("CONSTRAINT", "5", sql)], new Map([["5", index(2 * MB)]]), () => 0);
    expect(plan.builds.map((job) => job.statements)).toEqual([
      ['CREATE UNIQUE INDEX "orders pkey" ON public.orders USING btree (id, "a,b") INCLUDE (c) WITH (fillfactor=\'70\');'],
    ]);
    expect(plan.rest.map((kept) => kept.sql)).toEqual([
      'ALTER TABLE ONLY public.orders ADD CONSTRAINT "orders pkey" PRIMARY KEY USING INDEX "orders pkey" DEFERRABLE INITIALLY DEFERRED;\nALTER TABLE public.orders CLUSTER ON "orders pkey";',
    ]);
  });

  it("keeps NULLS NOT DISTINCT, in the place where CREATE INDEX wants it", () => {
    const sql = "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b);";
    const plan = planPostData([entry("CONSTRAINT", "5", sql)], new Map([["5", index(2 * MB)]]), () => 0);
    expect(plan.builds[0]?.statements).toEqual(["CREATE UNIQUE INDEX u ON public.t USING btree (a) INCLUDE (b) NULLS NOT DISTINCT;"]);
  });

  it("leaves constraints whole that no index can stand in for", () => {
    for (const sql of [
      "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&);",
      "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT p PRIMARY KEY (a, r WITHOUT OVERLAPS);",
    ]) {
      const plan = planPostData([entry("CONSTRAINT", "5", sql)], new Map([["5", index(2 * MB)]]), () => 0);
      expect(plan.builds[0]?.statements).toEqual([sql]);
      expect(plan.rest).toEqual([]);
    }
  });

  it("validates large foreign keys in a second step, but never one that is not valid at the source", () => {
    const fk = "ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.c(id)";
    const entries = [`${fk};`, `${fk} NOT VALID;`, `${fk} NOT ENFORCED;`].map((sql) => entry("FK CONSTRAINT", "9", sql));
    const plan = planPostData(entries, new Map(), () => 5 * MB);
    expect(plan.rest.map((kept) => kept.sql)).toEqual([`${fk} NOT VALID;`, `${fk} NOT VALID;`, `${fk} NOT ENFORCED;`]);
    expect(plan.validations.map((job) => job.statements)).toEqual([["ALTER TABLE ONLY public.orders VALIDATE CONSTRAINT f;"]]);
  });

  it("keeps everything exactly once, small indexes in groups, partitioned ones in order, event triggers last", () => {
    const entries = [
      ...Array.from({ length: 100 }, (_, at) => entry("INDEX", `i${at}`, `CREATE INDEX i${at} ON t (a);`)),
      entry("INDEX", "p", "CREATE INDEX p ON ONLY t (a);"),
      entry("EVENT TRIGGER", "e", "CREATE EVENT TRIGGER e;", { dumpId: 9000 }),
      entry("COMMENT", "0", "COMMENT ON EVENT TRIGGER e;", { dependencies: [9000] }),
      entry("TRIGGER", "t", "CREATE TRIGGER t;"),
    ];
    const indexes = new Map([...Array.from({ length: 100 }, (_, at) => [`i${at}`, index(8192)] as const), ["p", index(0, true)] as const]);
    const plan = planPostData(entries, indexes, () => 0);
    expect(plan.builds.flatMap((job) => job.statements)).toHaveLength(100);
    expect(plan.builds.length).toBeLessThan(5);
    expect(plan.rest.map((kept) => kept.sql)).toEqual(["CREATE INDEX p ON ONLY t (a);", "CREATE TRIGGER t;"]);
    expect(plan.last.map((kept) => kept.sql)).toEqual(["CREATE EVENT TRIGGER e;", "COMMENT ON EVENT TRIGGER e;"]);
  });
});
