import { quoteLiteral } from "../../src/wire/quote.ts";
import { withClient } from "../databases.ts";
import type { ServerPair } from "../servers.ts";
import type { Follower, FollowerTool, Site } from "./follower.ts";
import type { SkippedTool } from "./tool.ts";

/** `streaming` of CREATE SUBSCRIPTION: what is done with a large transaction before its commit. */
export type NativeStreaming = "off" | "on" | "parallel";

const NAME = "bench_native";
const BINARY_SINCE = 14;
/** The first majors of both sides that know it. */
const STREAMING_SINCE: Readonly<Record<NativeStreaming, number>> = { off: 10, on: 14, parallel: 16 };

/**
 * Logical replication of PostgreSQL itself (https://www.postgresql.org/docs/current/sql-createsubscription.html): a subscription onto equal tables,
 * in the binary format where there is one. It commits at the target with synchronous_commit off, its default.
 */
export function nativeReplication({ source, target }: ServerPair, streaming: NativeStreaming): FollowerTool | SkippedTool {
  const name = streaming === "on" ? "native" : `native ${streaming}`;
  const older = Math.min(source.major, target.major);
  if (older < STREAMING_SINCE[streaming] && streaming !== "on") return { name, skipped: `streaming = ${streaming} needs PostgreSQL ${STREAMING_SINCE[streaming]}` };
  const options = [...(older >= BINARY_SINCE ? ["binary = true"] : []), ...(older >= STREAMING_SINCE[streaming] && streaming !== "off" ? [`streaming = ${streaming}`] : [])];
  return {
    name,
    version: `PostgreSQL ${source.major} -> ${target.major}`,
    remarks: [`${name} is a subscription with ${[...options, "copy_data = false"].join(", ")}; its time begins with ALTER SUBSCRIPTION ... ENABLE`],
    startsEmpty: false,
    async attach(site) {
      await createSlot(site);
      await alterTarget(site, `create subscription ${NAME} connection ${quoteLiteral(site.source.uri(site.database))} publication ${NAME}
        with (${["enabled = false", "create_slot = false", `slot_name = ${NAME}`, "copy_data = false", ...options].join(", ")})`); // prettier-ignore
      return attached(site);
    },
  };
}

function attached(site: Site): Follower {
  return {
    pid: undefined,
    failed: new Promise(() => undefined), // it tries again for ever
    start: async () => await alterTarget(site, `alter subscription ${NAME} enable`),
    async detach() {
      await alterTarget(site, `alter subscription ${NAME} disable`);
      await alterTarget(site, `alter subscription ${NAME} set (slot_name = none)`);
      await alterTarget(site, `drop subscription ${NAME}`);
    },
  };
}

async function createSlot({ source, database }: Site): Promise<void> {
  await withClient(source, database, async (client) => {
    await client.query(`create publication ${NAME} for all tables`);
    await client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [NAME]);
  });
}

async function alterTarget({ target, database }: Site, sql: string): Promise<void> {
  await withClient(target, database, async (client) => await client.query(sql));
}
