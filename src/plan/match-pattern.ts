/**
 * A pattern with `*` and `?` over `schema.name`; without a dot it is matched against the name alone. Upper and lower case
 * differ, as in quoted identifiers. Names that hold dots are matched as they are: `sales.2024.*` finds table "2024.q1" in sales.
 */
export function matcher(pattern: string): (schema: string | undefined, name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^]");
  const expression = new RegExp(`^${source}$`, "u");
  const hasDot = pattern.includes(".");
  return (schema, name) => (schema !== undefined && hasDot && expression.test(`${schema}.${name}`)) || ((schema === undefined || !hasDot) && expression.test(name));
}
