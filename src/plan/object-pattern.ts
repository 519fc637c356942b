/** Every kind of object that can be included or excluded, in the order of the help. */
export const OBJECT_KINDS = ["database", "schema", "table", "view", "materialized-view", "sequence", "type", "function", "role", "extension"] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** `kind=pattern`: pattern with * and ? over `schema.name` (or `name` alone where there is no schema). */
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
