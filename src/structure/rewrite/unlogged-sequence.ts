import { type Rule, targetBelow } from "./rule.ts";

const SET_LOGGED = /^ALTER SEQUENCE [^\n]* SET (?:LOGGED|UNLOGGED);\n*/gm;

/** https://www.postgresql.org/docs/15/release-15.html: unlogged sequences. */
export const unloggedSequence: Rule = {
  id: "unlogged-sequence",
  about: "Sequences know `UNLOGGED` since 15: for older targets it is left out (with a note), and so is the `SET LOGGED` that pg_dump writes for identities of unlogged tables.",
  appliesTo: (context) => targetBelow(context, 15),
  types: new Set(["SEQUENCE"]),
  concerns: (entry) => entry.sql.includes("LOGGED"),
  rewrite: (text) => {
    const sql = text.replaceOutside(SET_LOGGED, () => "");
    if (sql.startsWith("CREATE UNLOGGED ")) return { sql: sql.replace("CREATE UNLOGGED ", "CREATE "), note: "sequence becomes logged" };
    return { sql };
  },
};
