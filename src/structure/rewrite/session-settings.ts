import { type Outcome, type Rule, targetBelow } from "./rule.ts";

const ACCESS_METHOD = /SET default_table_access_method = ([^;]*);\s*/;
const STORED = new Set(["TABLE", "MATERIALIZED VIEW"]);

/** https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TABLE-ACCESS-METHOD */
export const sessionSettings: Rule = {
  id: "session-settings",
  about: "`SET default_table_access_method` (12) is left out for older targets; a table of another access method than heap becomes a heap, with a note.",
  appliesTo: (context) => targetBelow(context, 12),
  concerns: (entry) => entry.settings.includes("default_table_access_method"),
  rewrite: ({ entry }): Outcome => {
    const method = ACCESS_METHOD.exec(entry.settings)?.[1] ?? "heap";
    const settings = entry.settings.replace(ACCESS_METHOD, "").trim();
    // A partitioned table has no storage of its own.
    if (method === "heap" || !STORED.has(entry.type) || entry.sql.includes("\nPARTITION BY ")) return { settings };
    return { settings, note: `stored as heap instead of ${method}` };
  },
};
