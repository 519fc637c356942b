import { hashed, scaled } from "./content.ts";
import type { Shape } from "./shape.ts";

const SCHEMAS = 10;
const TABLES_PER_SCRIPT = 100;

/** Many tables with next to nothing in them (one schema per tenant): what counts is the cost per object. */
export const tiny: Shape = {
  name: "tiny",
  description: "5,000 tables of 0-20 rows in 10 schemas, each with a primary key and an index",
  statements(scale) {
    const tables = Array.from({ length: scaled(5000, scale) }, (_, index) => tenantTable(index));
    const scripts = [Array.from({ length: SCHEMAS }, (_, index) => `create schema tenant_${index};`).join("\n")];
    for (let from = 0; from < tables.length; from += TABLES_PER_SCRIPT) scripts.push(tables.slice(from, from + TABLES_PER_SCRIPT).join("\n"));
    return scripts;
  },
};

function tenantTable(index: number): string {
  const name = `tenant_${index % SCHEMAS}.item_${index}`;
  return `
    create table ${name} (id int primary key, name text not null, price numeric(10, 2), added_at timestamptz not null);
    create index on ${name} (name);
    insert into ${name} select i, 'item ' || i, ${hashed(`i + ${index}`)} % 10000 / 100.0, timestamptz '2024-01-01' + i * interval '1 day' from generate_series(1, ${(index * 13) % 21}) as i;`;
}
