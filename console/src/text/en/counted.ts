/** "1 table", "1,024 tables". */
export function counted(count: string, one: string, many = `${one}s`): string {
  return `${count} ${count === "1" ? one : many}`;
}
