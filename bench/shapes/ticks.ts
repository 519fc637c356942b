import type { Shape } from "./shape.ts";

/**
 * What the clients of `bench -- latency` write: each counts its own transactions. A client's numbers are committed in order, so the highest that is visible
 * tells of all before it.
 */
export const ticks: Shape = {
  name: "ticks",
  description: "rows of (client, number), one per transaction",
  statements: () => ["create table ticks (client int not null, number int not null, body text not null, primary key (client, number))"],
};
