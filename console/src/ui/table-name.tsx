import type { ReactNode } from "react";

/** A table's name; before it its database, where there are several. */
export function TableName({ database, table, isOneOfMany }: { readonly database: string; readonly table: string; readonly isOneOfMany: boolean }): ReactNode {
  return (
    <>
      {isOneOfMany && <span className="dim">{database} · </span>}
      {table}
    </>
  );
}
