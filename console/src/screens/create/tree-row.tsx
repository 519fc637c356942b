import { ActionIcon, Button, Checkbox, Tooltip } from "@mantine/core";
import {
  IconBan,
  IconChevronDown,
  IconChevronRight,
  IconDatabase,
  IconEye,
  IconFolder,
  IconFunction,
  IconListNumbers,
  IconPuzzle,
  IconStack2,
  IconTable,
  IconTypography,
  IconUser,
} from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { useFormat, useText } from "../../text/text-context.tsx";
import { errorLine } from "../../ui/error-panel.tsx";
import { type ObjectKind, type Selection, choiceOf, toggle, withPattern, without } from "./selection.ts";
import type { Tree, TreeRow } from "./use-object-tree.ts";

const ICONS: Readonly<Record<ObjectKind, typeof IconTable>> = {
  database: IconDatabase,
  schema: IconFolder,
  table: IconTable,
  view: IconEye,
  "materialized-view": IconStack2,
  sequence: IconListNumbers,
  type: IconTypography,
  function: IconFunction,
  role: IconUser,
  extension: IconPuzzle,
};

interface Shown {
  readonly id: string;
  readonly row: TreeRow;
  readonly tree: Tree;
  readonly isFocused: boolean;
  /** Results of a search come without their schemas above them. */
  readonly isSearched: boolean;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

export function TreeRowView({ row, ...rest }: Shown): ReactNode {
  return row.row === "node" ? <NodeRow {...rest} row={row} /> : <NoteRow {...rest} row={row} />;
}

/** What stands where objects are not, or not yet. */
function NoteRow({ row, tree, isSearched }: Shown & { readonly row: Exclude<TreeRow, { row: "node" }> }): ReactNode {
  const texts = useText();
  const { create, words } = texts;
  const indent = { paddingLeft: 12 + row.depth * 20 };
  if (row.row === "error") {
    return (
      <div className="tree-row small" style={{ ...indent, color: "var(--tone-bad)" }} role="alert" title={errorLine(row.error, texts)}>
        <span className="cut">{errorLine(row.error, texts)}</span>
        <Button size="compact-xs" variant="default" onClick={() => tree.loadMore(row.level)}>
          {words.tryAgain}
        </Button>
      </div>
    );
  }
  return (
    <div className="tree-row dim small" style={indent} role="none">
      {row.row === "more" && <LoadWhenSeen isLoading={row.isLoading} onSeen={() => tree.loadMore(row.level)} />}
      {row.row === "more" ? create.objects.loading : isSearched ? create.objects.noFit : create.objects.empty}
    </div>
  );
}

function NodeRow({ id, row, tree, isFocused, isSearched, selection, onSelect }: Shown & { readonly row: TreeRow & { row: "node" } }): ReactNode {
  const { create, words } = useText();
  const format = useFormat();
  const { node, depth, isExpandable, isExpanded } = row;
  const choice = choiceOf(node, selection);
  const name = isSearched && node.schema !== null ? `${node.schema}.${node.name}` : node.name;
  const Icon = ICONS[node.kind];
  const Chevron = isExpanded ? IconChevronDown : IconChevronRight;
  return (
    <div
      id={id}
      className="tree-row"
      role="treeitem"
      aria-level={depth + 1}
      aria-expanded={isExpandable ? isExpanded : undefined}
      aria-selected={choice === "included" || choice === "throughSchema"}
      data-focused={isFocused || undefined}
      data-choice={choice}
      style={{ paddingLeft: 12 + depth * 20 }}
    >
      <ActionIcon
        variant="transparent"
        color="gray"
        size={18}
        tabIndex={-1}
        aria-hidden={!isExpandable}
        aria-label={name}
        style={{ visibility: isExpandable ? "visible" : "hidden" }}
        onClick={() => tree.toggle(node)}
      >
        <Chevron size={14} />
      </ActionIcon>
      <Checkbox
        size="xs"
        tabIndex={-1}
        aria-label={create.objects.include(name)}
        checked={choice === "included" || choice === "throughSchema"}
        onChange={() => onSelect(toggle(selection, node))}
      />
      <Icon size={15} aria-label={words.kind[node.kind]} style={{ flexShrink: 0, opacity: 0.7 }} />
      <span className="cut" style={{ flex: 1 }} title={name} onDoubleClick={() => isExpandable && tree.toggle(node)}>
        {name}
      </span>
      <span className="small dim">{node.size === null ? (node.children === null ? "" : format.count(node.children)) : format.bytes(node.size)}</span>
      <Tooltip label={create.objects.excludeShort}>
        <ActionIcon
          variant={choice === "excluded" ? "light" : "subtle"}
          color={choice === "excluded" ? "red" : "gray"}
          size="sm"
          tabIndex={-1}
          aria-label={create.objects.exclude(name)}
          aria-pressed={choice === "excluded"}
          onClick={() => onSelect(choice === "excluded" ? without(selection, "exclude", node) : withPattern(selection, "exclude", node))}
        >
          <IconBan size={14} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

/** The next page is asked for when the end of this one comes into sight. */
function LoadWhenSeen({ isLoading, onSeen }: { readonly isLoading: boolean; readonly onSeen: () => void }): null {
  useEffect(() => {
    if (!isLoading) onSeen();
  });
  return null;
}
