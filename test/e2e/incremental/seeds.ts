/** So many seeds of one series; GODWIT_SEED names the only one to run, GODWIT_SEEDS another number of them, GODWIT_SEED_SERIES other ones than last time. */
export function seedsOf(series: string, count: number): string[] {
  const { GODWIT_SEED: only, GODWIT_SEEDS: many, GODWIT_SEED_SERIES: others } = process.env;
  if (only !== undefined && only !== "") return only.startsWith(`${series} `) ? [only] : [];
  const name = others === undefined || others === "" ? series : `${series} ${others}`;
  return Array.from({ length: many === undefined || many === "" ? count : Number(many) }, (_, number) => `${name} ${number + 1}`);
}
