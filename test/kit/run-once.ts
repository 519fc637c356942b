import { Client } from "pg";

/** Runs SQL in a connection of its own, and returns the rows. */
export async function runOnce<Row extends object = Record<string, unknown>>(uri: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: uri, application_name: "test" });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}
