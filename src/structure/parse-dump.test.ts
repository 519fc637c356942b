import { describe, expect, it } from "vitest";
import { parseDump } from "./parse-dump.ts";
import { splitStatements } from "./sql-text.ts";

const header = (id: number, oid: number, name: string, type: string, dependencies = ""): string =>
  `--\n-- TOC entry ${id} (class 1259 OID ${oid})\n${dependencies === "" ? "" : `-- Dependencies: ${dependencies}\n`}-- Name: ${name}; Type: ${type}; Schema: public; Owner: ann\n--\n\n`;

describe("parseDump", () => {
  it("cuts a dump into entries with their settings", () => {
    const text = `${header(1, 10, "s", "SCHEMA")}CREATE SCHEMA s;\n\n\nSET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n${header(2, 11, "a", "TABLE")}CREATE TABLE a ();\n\n\nSET default_tablespace = fast;\n\n${header(3, 12, "b", "TABLE")}CREATE TABLE b ();\n\n\n-- Completed on x\n\n--\n-- PostgreSQL database dump complete\n--\n`;
    expect(parseDump(text).map(({ dumpId, oid, sql, settings }) => ({ dumpId, oid, sql, settings }))).toEqual([
      { dumpId: 1, oid: "10", sql: "CREATE SCHEMA s;", settings: "" },
      { dumpId: 2, oid: "11", sql: "CREATE TABLE a ();", settings: "SET default_tablespace = ''; SET default_table_access_method = heap;" },
      { dumpId: 3, oid: "12", sql: "CREATE TABLE b ();", settings: "SET default_tablespace = fast; SET default_table_access_method = heap;" },
    ]);
  });

  it("does not believe headers inside quotes", () => {
    const forged = header(9, 99, "x", "TABLE");
    const bodies = [`$$${forged}$$`, `$_$ ' ${forged}$_$`, `'it''s ${forged}'`, `E'a\\'${forged}'`, `"${forged}"`];
    for (const body of bodies) {
      const entries = parseDump(`${header(1, 10, "f", "FUNCTION")}CREATE ${body};\n\n${header(2, 11, "g", "FUNCTION")}CREATE g;\n`);
      expect(entries.map((entry) => entry.dumpId)).toEqual([1, 2]);
    }
  });

  it("puts everything from the first index on behind the data, and comments always", () => {
    const text = [
      header(1, 1, "a", "TABLE") + "CREATE TABLE a ();",
      header(2, 0, "TABLE a", "COMMENT", "1") + "COMMENT;",
      header(3, 3, "m", "VIEW") + "V;",
      header(4, 4, "i", "INDEX") + "I;",
      header(5, 5, "late", "MATERIALIZED VIEW") + "M;",
    ].join("\n\n");
    expect(parseDump(text).map((entry) => [entry.dumpId, entry.section])).toEqual([
      [1, "pre"],
      [2, "post"],
      [3, "pre"],
      [4, "post"],
      [5, "post"],
    ]);
  });
});

describe("splitStatements", () => {
  it("splits outside of quotes and atomic bodies only", () => {
    const sql = `-- c;\nCREATE FUNCTION f() RETURNS int\n BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;\nALTER FUNCTION f() OWNER TO "a;b";\nSELECT 'x;''y', E'\\';', $q$;$q$, a$b FROM c$d;`;
    expect(splitStatements(sql)).toHaveLength(3);
  });
});
