import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, passed } from "../check.ts";

/** https://www.postgresql.org/docs/current/logicaldecoding-explanation.html, https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-WAL-LEVEL */
export const walLevel: Check = {
  id: "wal-level",
  title: "The source writes what changes are decoded from",
  about:
    "For full+incremental. Failed: wal_level is not logical, which only a restart changes; the source is a standby, on which neither publications nor replica identities can be made.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ source, providers: { source: provider } }) => {
    const scope = describeEndpoint(source.endpoint);
    const [row] = await source.query<{ level: string; standby: boolean }>("select pg_catalog.current_setting('wal_level') as level, pg_catalog.pg_is_in_recovery() as standby");
    const evidence = [`wal_level = ${row?.level}`];
    if (row?.standby === true) {
      const why =
        source.versionNum >= 160000
          ? "A standby can decode changes, but what names them, the publication and replica identities, can only be made on the primary."
          : `A standby of PostgreSQL ${source.major} decodes no changes (16 and newer do).`;
      return [found(walLevel, scope, "failed", { evidence: ["the server is a standby (pg_is_in_recovery)", ...evidence], why, fix: "Name the primary as the source." })];
    }
    if (row?.level === "logical") return [passed(walLevel, scope, evidence)];
    return [
      found(walLevel, scope, "failed", {
        evidence,
        why: "The write-ahead log does not hold what logical decoding needs.",
        ...(provider === undefined
          ? { fix: "Set wal_level to logical and restart the source.", fixSql: "alter system set wal_level = 'logical';" }
          : { fix: `${provider.logicalDecoding} (${provider.name}).` }),
        fixOn: source.endpoint,
      }),
    ];
  },
};
