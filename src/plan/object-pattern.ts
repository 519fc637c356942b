/** `kind=pattern`: kinds in the plural sense of the CLI, pattern with * and ? over `schema.name` (or `name` alone where there is no schema). */
export type ObjectKind = "database" | "schema" | "table" | "view" | "materialized-view" | "sequence" | "type" | "function" | "role" | "extension";

export interface ObjectPattern {
  readonly kind: ObjectKind;
  readonly pattern: string;
}

/** Whether any of these patterns chooses among the objects inside a database; if not, all of it moves. */
export function choosesObjects(patterns: readonly ObjectPattern[]): boolean {
  return patterns.some(({ kind }) => kind !== "database" && kind !== "role");
}

/** As it is written on the command line. */
export function patternName({ kind, pattern }: ObjectPattern): string {
  return `${kind}=${pattern}`;
}

/** How a shell is told one object that lies in no schema, whatever its name: the pattern in double quotes, the word in single ones. */
export function argumentFor(kind: ObjectKind, name: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return `${kind}=${name}`;
  return `'${kind}="${name.replaceAll('"', '""').replaceAll("'", String.raw`'\''`)}"'`;
}
