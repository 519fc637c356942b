import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import type { EndpointGiven } from "../../../../src/server/contract/endpoint.ts";
import { useText } from "../../text/text-context.tsx";
import { type Selection, toggle, withPattern } from "./selection.ts";
import { TreeRowView } from "./tree-row.tsx";
import { useObjectTree } from "./use-object-tree.ts";

const ROW_HEIGHT = 30;

interface Grown {
  readonly endpoint: EndpointGiven;
  readonly secretsOf: string | undefined;
  readonly database: string | undefined;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** The objects of the source. Only the rows in sight are in the page. Keys: arrows move and open, space includes, x excludes. */
export function ObjectTree({ selection, onSelect, ...place }: Grown): ReactNode {
  const { create } = useText();
  const [search, setSearch] = useState("");
  const [settled] = useDebouncedValue(search.trim(), 300);
  const tree = useObjectTree({ ...place, search: settled });
  const [focus, setFocus] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const { rows } = tree;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    getItemKey: (at) => rows[at]?.key ?? at,
  });

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    setFocus(next);
    virtual.scrollToIndex(next);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = rows[focus];
    const node = at?.row === "node" ? at : undefined;
    const doing: Readonly<Record<string, () => void>> = {
      ArrowDown: () => move(focus + 1),
      ArrowUp: () => move(focus - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => (node?.isExpandable === true && !node.isExpanded ? tree.toggle(node.node) : move(focus + 1)),
      ArrowLeft: () => (node?.isExpanded === true ? tree.toggle(node.node) : move(rows.findLastIndex((row, index) => index < focus && row.depth < (at?.depth ?? 0)))),
      " ": () => (node === undefined ? at?.row === "more" && tree.loadMore(at.level) : onSelect(toggle(selection, node.node))),
      x: () => node !== undefined && onSelect(withPattern(selection, "exclude", node.node)),
    };
    const does = event.target === event.currentTarget ? doing[event.key] : undefined;
    if (does === undefined) return;
    event.preventDefault();
    does();
  };

  return (
    <>
      <TextInput
        size="xs"
        mx="md"
        mb="xs"
        aria-label={create.objects.searchLabel}
        placeholder={create.objects.searchLabel}
        leftSection={<IconSearch size={15} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <div ref={box} className="tree" role="tree" aria-label={create.objects.tree} aria-multiselectable tabIndex={0} aria-activedescendant={`${id}-${focus}`} onKeyDown={onKeyDown}>
        <div role="none" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map(({ index, key, start }) => {
            const row = rows[index];
            return (
              row !== undefined && (
                <div key={key} role="none" style={{ position: "absolute", top: 0, insetInline: 0, height: ROW_HEIGHT, transform: `translateY(${start}px)` }}>
                  <TreeRowView
                    id={`${id}-${index}`}
                    row={row}
                    tree={tree}
                    isFocused={index === focus}
                    isSearched={settled !== ""}
                    selection={selection}
                    onSelect={(next) => {
                      setFocus(index);
                      onSelect(next);
                    }}
                  />
                </div>
              )
            );
          })}
        </div>
      </div>
    </>
  );
}
