import { Client } from "pg";
import type { Major } from "../../../src/embedded/binaries.ts";
import type { EmbeddedServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import type { TestDatabase } from "../../kit/databases.ts";

/** The database postgres of a server of its own, which may be restarted: each query has its own connection. */
export function databaseOf(server: EmbeddedServer): TestDatabase {
  const uri = server.uri("postgres");
  return {
    name: "postgres",
    major: server.major as Major,
    uri,
    endpoint: (side) => parseEndpoint(side, uri),
    query: async (sql) => {
      const client = new Client({ connectionString: uri, application_name: "test" });
      client.on("error", () => undefined);
      await client.connect();
      try {
        const result: unknown = await client.query(sql);
        return ((Array.isArray(result) ? result.at(-1) : result) as { rows: never[] }).rows;
      } finally {
        await client.end();
      }
    },
  };
}
