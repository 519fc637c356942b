import { type Check, type CheckItem, found, passed } from "../check.ts";

const NEWEST_KNOWN = 18;

/**
 * Older than supported never comes here: connecting ends then. https://www.postgresql.org/support/versioning/
 */
export const version: Check = {
  id: "version",
  title: "Versions of source and target",
  about: "Alarm: the target is older than the source (function bodies are text, and may use newer SQL), or a server is newer than this program knows. Upwards passes.",
  run: async ({ source, target }) => {
    const evidence = [`source PostgreSQL ${source.major}, target PostgreSQL ${target.major}`];
    const unknown = [...new Set([source.major, target.major])].filter((major) => major > NEWEST_KNOWN);
    const items: CheckItem[] = [];
    if (unknown.length > 0) {
      items.push(
        found(version, "source and target", "alarm", {
          evidence,
          why: `PostgreSQL ${unknown.join(" and ")} ${unknown.length > 1 ? "are" : "is"} newer than this program knows (${NEWEST_KNOWN}): new kinds of objects may be overlooked.`,
          fix: "Look for a newer version of this program, or accept the alarm and verify the result.",
        }),
      );
    }
    if (target.major < source.major) {
      items.push(
        found(version, "source and target", "alarm", {
          evidence,
          why: "The target is older. What it cannot hold is found before anything is written, but bodies of functions are plain text to PostgreSQL: those that use newer SQL fail when they are called.",
          fix: "Make sure that the two URIs are not mixed up; test functions and queries on the target.",
        }),
      );
    }
    return items.length > 0 ? items : [passed(version, "source and target", evidence)];
  },
};
