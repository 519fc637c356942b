import { huge } from "./huge.ts";
import { mixed } from "./mixed.ts";
import { tiny } from "./tiny.ts";

/** A database to move. The same scale gives the same rows on every machine and major: nothing in it is random. */
export interface Shape {
  readonly name: string;
  readonly description: string;
  /** SQL scripts, run one after the other in an empty database; each is one simple-protocol query, hence one transaction. */
  statements(scale: number): string[];
}

/** Nothing at all: what it costs is what a tool's start costs. */
export const EMPTY: Shape = { name: "empty", description: "no table", statements: () => [] };

export const SHAPES = { mixed, huge, tiny } as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;
