import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PUBLIC_SCHEMA_ABOUT } from "./public-schema.ts";
import { rewriteEntries } from "./index.ts";
import { entryOf } from "./rule-outcome.ts";
import { RULES } from "./rules.ts";

const versions = (source: number, target: number) => ({ sourceVersionNum: source * 10_000, targetVersionNum: target * 10_000 });

describe("rewriteEntries", () => {
  it("changes nothing between equal majors", async () => {
    const entries = [entryOf("TABLE", "CREATE TABLE s.x (\n    a int4multirange\n);"), entryOf("SEQUENCE", "CREATE UNLOGGED SEQUENCE s.y;", { dumpId: 2 })];
    expect(await rewriteEntries(entries, versions(18, 18))).toEqual({ entries, notes: [], impossible: [] });
  });

  it("leaves comments out with their object, and says so", async () => {
    const statistics = entryOf("STATISTICS", "CREATE STATISTICS s.x (mcv) ON a, b FROM s.t;", { dumpId: 4 });
    const comment = entryOf("COMMENT", "COMMENT ON STATISTICS s.x IS 'c';", { dumpId: 5, name: "STATISTICS x", dependencies: [4] });
    const { entries, notes } = await rewriteEntries([statistics, comment], versions(18, 11));
    expect(entries).toEqual([]);
    expect(notes).toEqual(["STATISTICS s.x: most-common-values statistics left out", "COMMENT s.STATISTICS x: left out with its object"]);
  });

  it("groups what is impossible by feature and names each object once", async () => {
    const procedure = (name: string) => entryOf("PROCEDURE", `CREATE PROCEDURE s.${name}()\n    LANGUAGE sql\n    AS $$select 1$$;`, { name: `${name}()` });
    const { impossible } = await rewriteEntries([procedure("a"), procedure("b")], versions(18, 10));
    expect(impossible).toEqual([{ feature: "procedures", since: 11, why: expect.any(String), objects: ["PROCEDURE s.a()", "PROCEDURE s.b()"] }]);
  });

  it("applies several rules to one entry", async () => {
    const index = entryOf("INDEX", "CREATE INDEX i ON s.x USING gist (t e.gist_trgm_ops (siglen='32')) INCLUDE (b) WITH (fillfactor='70');");
    const { entries, notes } = await rewriteEntries([index], versions(18, 10));
    expect(entries[0]?.sql).toBe("CREATE INDEX i ON s.x USING gist (t e.gist_trgm_ops) WITH (fillfactor='70');");
    expect(notes).toHaveLength(2);
  });

  it("is quick over a catalog of 20,000 tables", async () => {
    const entries = Array.from({ length: 20_000 }, (_, at) => [
      entryOf(
        "TABLE",
        `CREATE TABLE s.t${at} (\n    id integer CONSTRAINT t_id_not_null NOT NULL,\n    a text DEFAULT 'x'::text,\n    b numeric(10,2)\n);\n\n\nALTER TABLE s.t${at} OWNER TO o;`,
        {
          dumpId: 2 * at,
          name: `t${at}`,
          settings: "SET default_tablespace = ''; SET default_table_access_method = heap;",
        },
      ),
      entryOf("CONSTRAINT", `ALTER TABLE ONLY s.t${at}\n    ADD CONSTRAINT t${at}_pkey PRIMARY KEY (id);`, { dumpId: 2 * at + 1, name: `t${at} t${at}_pkey` }),
    ]).flat();
    const since = performance.now();
    const { entries: rewritten } = await rewriteEntries(entries, versions(18, 10));
    expect(rewritten).toHaveLength(40_000);
    expect(performance.now() - since).toBeLessThan(5000);
  });
});

describe("docs/reference/version-rewrites.md", () => {
  const page = readFileSync(new URL("../../../docs/reference/version-rewrites.md", import.meta.url), "utf8");

  it("has a line for every rule, with its own words, and no other", () => {
    const lines = page.match(/^\| `[a-z-]+` \| .* \|$/gm);
    expect(lines?.toSorted()).toEqual(
      [...RULES.map(({ id, about }) => `| \`${id}\` | ${about.replaceAll("|", "\\|")} |`), `| \`public-schema\` | ${PUBLIC_SCHEMA_ABOUT} |`].toSorted(),
    );
  });

  it("knows every rule by the name of its file", () => {
    for (const { id } of RULES) expect(readFileSync(new URL(`./${id}.ts`, import.meta.url), "utf8")).toContain(`id: "${id}"`);
  });
});
