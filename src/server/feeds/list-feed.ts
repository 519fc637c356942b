import type { StoreQueries } from "../../task/store-queries.ts";
import type { StoreNews } from "../../engine/news.ts";
import { SharedFeed } from "./shared-feed.ts";

/** Figures of tasks at work change every second: a list is told of them this often. */
const LOOK_EVERY_MS = 2000;
/** A transaction's moment is its beginning: what was committed late is found nevertheless. */
const OVERLAP = "5 seconds";

/** Ids of tasks that have changed, are new, or are gone (`isGone`), for everybody who watches the list. */
export class ListFeed extends SharedFeed<{ readonly ids: readonly string[]; readonly isGone: boolean }> {
  constructor(store: StoreQueries, news: StoreNews) {
    super(async (publish, signal) => {
      using changes = news.subscribe("task");
      let seen = new Map<string, string>();
      let total = -1;
      while (!signal.aborted) {
        const rows = await store.query<{ id: string; at: string; total: number }>(
          `select t.id, greatest(t.changed_at, t.created_at, p.updated_at)::text as at, (select count(*)::int from godwit.task) as total
             from godwit.task t left join godwit.task_progress p on p.task_id = t.id
            where greatest(t.changed_at, t.created_at, p.updated_at) > now() - interval '${OVERLAP}'
            union all select '', '', count(*)::int from godwit.task`,
          [],
        );
        const now = rows.at(-1)?.total ?? 0;
        const recent = rows.filter(({ id }) => id !== "");
        const ids = recent.filter(({ id, at }) => seen.get(id) !== at).map(({ id }) => id);
        const isGone = total >= 0 && now < total;
        if (ids.length > 0 || isGone) publish({ ids, isGone });
        seen = new Map(recent.map(({ id, at }) => [id, at]));
        total = now;
        await changes.changed(LOOK_EVERY_MS, signal);
      }
    });
  }
}
