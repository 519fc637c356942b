import type { CheckItem } from "./check.ts";
import type { CheckContext } from "./context.ts";

/**
 * Items without the SQL that would change nothing: what stands on the server's command line (in a container, mostly) is stronger than ALTER SYSTEM.
 * https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-SHELL
 */
export async function withoutOverruled(items: readonly CheckItem[], context: Pick<CheckContext, "source" | "target">): Promise<CheckItem[]> {
  return await Promise.all(
    items.map(async (item) => {
      const { fixSql = "", fixOn, ...others } = item;
      const names = Array.from(fixSql.matchAll(/^alter system set (\w+)/gm), ([, name]) => name!);
      if (names.length === 0 || fixOn === undefined) return item;
      const overruled = await context[fixOn.side].query<{ name: string }>(
        "select s.name from pg_catalog.pg_settings s where s.name = any($1::pg_catalog.text[]) and s.source = 'command line' order by 1",
        [names],
      );
      if (overruled.length === 0) return item;
      return {
        ...others,
        fix: `${item.fix} On the server's command line stands: ${overruled.map(({ name }) => name).join(", ")}. No SQL changes that: change it there, and start the server again.`,
      };
    }),
  );
}
