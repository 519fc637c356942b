/** A column of a printed table: its title, and what stands in it for a row. */
export type Column<Row> = readonly [title: string, cell: (row: Row) => string];

/** Lines of a table for a terminal; figures stand right, the first and the last column left. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => (column === 0 || column === row.length - 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** A figure, or a dash where there is none. */
export function figure(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}
