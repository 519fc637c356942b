import { useCallback, useEffect, useRef, useState } from "react";
import type { EndpointGiven } from "../../../../src/server/contract/endpoint.ts";
import { call } from "../../api/client.ts";
import type { ObjectNode } from "./selection.ts";

/** So many objects are asked for at once: a schema may hold hundreds of thousands. */
const PAGE = 500;

interface Level {
  readonly nodes: readonly ObjectNode[];
  readonly next: string | null;
  readonly isLoading: boolean;
  readonly error: unknown;
}

export type TreeRow =
  | { readonly row: "node"; readonly key: string; readonly depth: number; readonly node: ObjectNode; readonly isExpandable: boolean; readonly isExpanded: boolean }
  | { readonly row: "more"; readonly key: string; readonly depth: number; readonly level: string; readonly isLoading: boolean }
  | { readonly row: "empty"; readonly key: string; readonly depth: number }
  | { readonly row: "error"; readonly key: string; readonly depth: number; readonly level: string; readonly error: unknown };

interface Rooted {
  readonly endpoint: EndpointGiven;
  readonly secretsOf: string | undefined;
  /** undefined: the server's databases are the roots, and its leaves. */
  readonly database: string | undefined;
  readonly search: string;
}

export interface Tree {
  readonly rows: readonly TreeRow[];
  readonly toggle: (node: ObjectNode) => void;
  readonly loadMore: (level: string) => void;
}

const EMPTY_LEVEL: Level = { nodes: [], next: null, isLoading: true, error: null };
const schemaLevel = (schema: string): string => `schema ${schema}`;

/** A tree that is read level by level, and page by page: what was never opened is never asked for. */
export function useObjectTree({ endpoint, secretsOf, database, search }: Rooted): Tree {
  const [levels, setLevels] = useState<ReadonlyMap<string, Level>>(new Map());
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const asked = useRef(new Set<string>());
  const root = search === "" ? "root" : `search ${search}`;
  const place = JSON.stringify({ endpoint, secretsOf, database });

  const load = useCallback(
    async (level: string, after: string | null): Promise<void> => {
      const request = `${level} ${after ?? ""}`;
      if (asked.current.has(request)) return;
      asked.current.add(request);
      const set = (change: (now: Level) => Level): void => setLevels((now) => new Map(now).set(level, change(now.get(level) ?? EMPTY_LEVEL)));
      set((now) => ({ ...now, isLoading: true, error: null }));
      try {
        const within = level.startsWith("schema ") ? { schema: level.slice("schema ".length) } : level === "root" ? {} : { search: level.slice("search ".length) };
        const { nodes, next } = await call("listObjects", {
          body: { ...(JSON.parse(place) as { endpoint: EndpointGiven }), ...within, limit: PAGE, ...(after === null ? {} : { after }) },
        });
        set((now) => ({ nodes: after === null ? nodes : [...now.nodes, ...nodes], next, isLoading: false, error: null }));
      } catch (error) {
        asked.current.delete(request);
        set((now) => ({ ...now, isLoading: false, error }));
      }
    },
    [place],
  );

  useEffect(() => void load(root, null), [load, root]);

  const rowsOf = (level: string, depth: number): TreeRow[] => {
    const { nodes, next, isLoading, error } = levels.get(level) ?? EMPTY_LEVEL;
    const rows = nodes.flatMap((node): TreeRow[] => {
      const isExpandable = node.kind === "schema" && database !== undefined;
      const isExpanded = isExpandable && expanded.has(node.name);
      const row: TreeRow = { row: "node", key: `${node.kind} ${node.pattern}`, depth, node, isExpandable, isExpanded };
      return isExpanded ? [row, ...rowsOf(schemaLevel(node.name), depth + 1)] : [row];
    });
    if (error !== null) return [...rows, { row: "error", key: `error ${level}`, depth, level, error }];
    if (isLoading || next !== null) return [...rows, { row: "more", key: `more ${level} ${next}`, depth, level, isLoading }];
    return rows.length === 0 ? [{ row: "empty", key: `empty ${level}`, depth }] : rows;
  };

  return {
    rows: rowsOf(root, 0),
    toggle: ({ name }) => {
      setExpanded((now) => {
        const next = new Set(now);
        if (!next.delete(name)) next.add(name);
        return next;
      });
      void load(schemaLevel(name), null);
    },
    loadMore: (level) => void load(level, levels.get(level)?.next ?? null),
  };
}
