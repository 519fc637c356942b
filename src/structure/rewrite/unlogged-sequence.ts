import { type Rule, targetBelow } from "./rule.ts";

/** A line of its own between the options of an identity's sequence. */
const OPTION = /^ {4}(?:UN)?LOGGED\n/gm;

/** https://www.postgresql.org/docs/15/release-15.html: unlogged sequences. */
export const unloggedSequence: Rule = {
  id: "unlogged-sequence",
  about: "Sequences know `UNLOGGED` since 15: for older targets it is left out (with a note), and so is the `LOGGED` that pg_dump writes for identities of unlogged tables.",
  appliesTo: (context) => targetBelow(context, 15),
  types: new Set(["SEQUENCE"]),
  concerns: (entry) => entry.sql.includes("LOGGED"),
  rewrite: (text) => {
    const sql = text.replaceOutside(OPTION, () => "");
    if (sql.startsWith("CREATE UNLOGGED ")) return { sql: sql.replace("CREATE UNLOGGED ", "CREATE "), note: "sequence becomes logged" };
    return { sql };
  },
};
