import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/17/event-trigger-database-login-example.html */
export const loginTriggers: Rule = {
  id: "login-triggers",
  about: "Event triggers on login (17) are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 17),
  types: new Set(["EVENT TRIGGER"]),
  concerns: ({ sql }) => sql.includes(" ON login"),
  rewrite: ({ masked }) => (/^CREATE EVENT TRIGGER (?:"[^"]*"|\S+) ON login\b/.test(masked) ? addedIn(17, "event triggers on login") : undefined),
};
