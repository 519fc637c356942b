import { GodwitError } from "../errors/godwit-error.ts";
import type { Lsn } from "../wire/lsn.ts";
import type { RelationMessage } from "../wire/pgoutput.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Applier } from "./applier.ts";
import type { Session } from "../wire/session.ts";
import { StreamTable, schemaChanged } from "./stream-table.ts";
import type { TargetTable } from "./target-table.ts";

interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Partitions whose rows go through another table on the target (the root, see `plan/plan-chunks`), by their quoted qualified names at the source. */
export type Routes = ReadonlyMap<string, TableName>;

/** Makes a table that the target lacks, where it is one that came since and follows from what is there: a partition. In the transaction that the session is in. False: it is not. */
export type MakeTable = (relation: RelationMessage, target: Session) => Promise<boolean>;

/** Called before the first change of a relation, as it is described, is taken, with the position at which its transaction was committed: throws where it is not the table that it was. */
export type MeetTable = (relation: RelationMessage, committedAt: Lsn) => Promise<void>;

/** The tables of the stream by the ids of their relation messages, and what the target has for them. */
export class StreamTables {
  /** Tables of the target with columns that the source does not have. */
  readonly drift: string[] = [];
  readonly #applier: Pick<Applier, "readTables">;
  readonly #routes: Routes;
  readonly #isBinary: boolean;
  readonly #meet: MeetTable;
  readonly #relations = new Map<number, RelationMessage>();
  readonly #tables = new Map<number, StreamTable>();
  /** By quoted qualified name at the source, the last one: test_decoding numbers a table anew when its columns change. */
  readonly #byName = new Map<string, StreamTable>();
  /** By quoted qualified name; `table` is undefined where the target has none. */
  readonly #targets = new Map<string, { readonly table: TargetTable | undefined; readonly readFor: RelationMessage | undefined }>();

  /** `isBinary`: all values come in their types' binary format. */
  constructor(applier: Pick<Applier, "readTables">, routes: Routes = new Map(), isBinary = false, meet: MeetTable = async () => undefined) {
    this.#applier = applier;
    this.#routes = routes;
    this.#isBinary = isBinary;
    this.#meet = meet;
  }

  /** A relation message: the changes behind it are of this form. */
  describe(relation: RelationMessage): void {
    this.#relations.set(relation.id, relation);
    // The server describes a table again whenever it is not sure.
    if (this.#tables.get(relation.id)?.isStill(relation) === false) this.#tables.delete(relation.id);
  }

  /** The table of a relation, matched with the target's; undefined: `load` it first. Throws `schema-changed`. */
  find(id: number): StreamTable | undefined {
    const table = this.#tables.get(id);
    if (table !== undefined) return table;
    const relation = this.#relations.get(id);
    if (relation === undefined) throw new GodwitError("protocol", `a change of relation ${id} came, which was not described`);
    const { schema, name } = this.#goal(relation);
    const facts = this.#targets.get(quoteQualified(schema, name));
    // Where the source's was altered, the target's may be, too.
    const own = quoteQualified(relation.schema, relation.name);
    const before = this.#byName.get(own);
    if (facts === undefined || (before !== undefined && facts.readFor !== relation)) return undefined;
    const made = new StreamTable(relation, facts.table, this.#isBinary);
    if (before !== undefined) findLost(before, made);
    this.#byName.set(own, made);
    if (made.lacking.length > 0) this.drift.push(`${made.display}: ${made.lacking.join(", ")}`);
    this.#tables.set(id, made);
    return made;
  }

  /** Throws `change-unsupported` where a table to be truncated has its rows among others on the target. */
  checkTruncate(ids: readonly number[]): void {
    const truncated = new Set(ids.map((id) => this.#relations.get(id)!).map(({ schema, name }) => quoteQualified(schema, name)));
    for (const name of truncated) {
      const root = this.#routes.get(name);
      if (root === undefined || truncated.has(quoteQualified(root.schema, root.name))) continue;
      const others = this.#routes.entries().filter(([, goal]) => goal.schema === root.schema && goal.name === root.name);
      if (others.every(([partition]) => truncated.has(partition))) continue;
      const why = "its rows lie in other partitions on the target, as their hashes differ: they cannot be told from those of its sisters";
      throw new GodwitError("change-unsupported", `partition ${name} was truncated by itself at the source; ${why}`, { object: name });
    }
  }

  /** Reads what the target has for these tables of the source, before anything is asked for. */
  async prepare(names: readonly TableName[]): Promise<void> {
    const goals = names.map(({ schema, name }) => this.#routes.get(quoteQualified(schema, name)) ?? { schema, name });
    const tables = await this.#applier.readTables(goals);
    for (const [at, { schema, name }] of goals.entries()) this.#targets.set(quoteQualified(schema, name), { table: tables[at], readFor: undefined });
  }

  /** Reads what the target has for these relations. Resolves with those for which it has no table. */
  async load(ids: readonly number[], committedAt: Lsn): Promise<RelationMessage[]> {
    const relations = ids.map((id) => this.#relations.get(id)!);
    for (const relation of relations) await this.#meet(relation, committedAt);
    const goals = relations.map((relation) => this.#goal(relation));
    const tables = await this.#applier.readTables(goals);
    for (const [at, { schema, name }] of goals.entries()) this.#targets.set(quoteQualified(schema, name), { table: tables[at], readFor: relations[at]! });
    return relations.filter((_, at) => tables[at] === undefined);
  }

  #goal(relation: RelationMessage): TableName {
    return this.#routes.get(quoteQualified(relation.schema, relation.name)) ?? relation;
  }
}

/** A column that was there before, and still is on the target, was dropped at the source. */
function findLost(before: StreamTable, after: StreamTable): void {
  const names = new Set(before.relation.columns.map(({ name }) => name));
  const lost = after.lacking.find((name) => names.has(name));
  if (lost !== undefined) throw schemaChanged(after.relation, `its column "${lost}" was dropped, and the target still has it`);
}
