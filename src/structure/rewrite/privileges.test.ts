import { expect, it } from "vitest";
import { privileges } from "./privileges.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("names MAINTAIN before 17 and default privileges on large objects before 18", () => {
  const acl = (sql: string) => entryOf("ACL", sql);
  expect(outcomeOf(privileges, acl("GRANT SELECT,MAINTAIN ON TABLE s.x TO r;"), 18, 16)?.impossible?.since).toBe(17);
  expect(outcomeOf(privileges, acl('GRANT SELECT ON TABLE s."MAINTAIN ON" TO r;'), 18, 16)).toBeUndefined();
  expect(outcomeOf(privileges, acl("GRANT ALL ON TABLE s.x TO r;"), 18, 16)).toBeUndefined();
  const defaults = entryOf("DEFAULT ACL", "ALTER DEFAULT PRIVILEGES FOR ROLE o GRANT SELECT ON LARGE OBJECTS TO r;");
  expect(outcomeOf(privileges, defaults, 18, 17)?.impossible?.since).toBe(18);
});

it("revokes all, and not only what there was before 17", () => {
  const acl = entryOf("ACL", "REVOKE SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE s.x FROM o;");
  expect(outcomeOf(privileges, acl, 16, 17)?.sql).toBe("REVOKE ALL ON TABLE s.x FROM o;");
  expect(outcomeOf(privileges, acl, 15, 16)?.sql).toBeUndefined();
  const defaults = (rights: string) => entryOf("DEFAULT ACL", `ALTER DEFAULT PRIVILEGES FOR ROLE "o REVOKE" REVOKE ${rights} ON TABLES FROM o;`);
  expect(outcomeOf(privileges, defaults("SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE"), 14, 17)?.sql).toBe(defaults("ALL").sql);
});
