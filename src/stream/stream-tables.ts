import type { RelationMessage } from "../wire/pgoutput.ts";
import type { Applier } from "./applier.ts";
import { StreamTable } from "./stream-table.ts";

/** The tables of a stream by the ids of their relation messages, each with what the target has for it. */
export class StreamTables {
  readonly #applier: Pick<Applier, "readTables">;
  readonly #tables = new Map<number, StreamTable>();

  constructor(applier: Pick<Applier, "readTables">) {
    this.#applier = applier;
  }

  /** Undefined for a table that is not followed. */
  get(relation: number): StreamTable | undefined {
    return this.#tables.get(relation);
  }

  all(relations: readonly number[]): StreamTable[] {
    return relations.flatMap((relation) => this.#tables.get(relation) ?? []);
  }

  /** The server says it again for each connection, and whenever something was altered that need not concern us. */
  isKnown(relation: RelationMessage): boolean {
    return this.#tables.get(relation.id)?.isStill(relation) === true;
  }

  /** Throws `schema-changed` where the target has no table that fits. */
  async lookUp(relation: RelationMessage): Promise<void> {
    const [target] = await this.#applier.readTables([relation]);
    this.#tables.set(relation.id, new StreamTable(relation, target));
  }
}
