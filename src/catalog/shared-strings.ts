/** One string for all that say the same: owners, schemas, types … of 200,000 tables are hundreds of megabytes otherwise. */
export class SharedStrings {
  readonly #known = new Map<string, string>();

  get(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, text);
    return text;
  }
}
