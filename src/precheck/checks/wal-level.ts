import { outputPlugin } from "../../source/slot.ts";
import { sqlStateOf } from "../../errors/sql-state.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, found, passed } from "../check.ts";

/** https://www.postgresql.org/docs/current/logicaldecoding-explanation.html, https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-WAL-LEVEL */
export const walLevel: Check = {
  id: "wal-level",
  title: "The source writes what changes are decoded from",
  about:
    "For full+incremental. Failed: wal_level is not logical, which only a restart changes; the source is a standby, on which neither publications nor replica identities can be made; before 10: the module test_decoding is not installed, which only a superuser can find out.",
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
    if (row?.level === "logical" && (await lacksPlugin(source))) {
      return [
        found(walLevel, scope, "failed", {
          evidence: [...evidence, `the module ${outputPlugin(source.versionNum)} cannot be loaded`],
          why: `PostgreSQL ${source.major} has no output plugin of its own: changes are decoded by one of its contrib modules.`,
          fix: "Install the contrib modules of this version on the source (a package such as postgresql-contrib), or copy the data without following changes (--type full).",
        }),
      ];
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

/** undefined_file: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NO_FILE = "58P01";

/** Loaded as a slot would load it; other accounts may load only what lies in $libdir/plugins. https://www.postgresql.org/docs/9.6/sql-load.html */
async function lacksPlugin(source: Session): Promise<boolean> {
  const plugin = outputPlugin(source.versionNum);
  if (plugin === "pgoutput") return false; // comes with the server itself
  const [account] = await source.query<{ superuser: boolean }>("select pg_catalog.current_setting('is_superuser')::pg_catalog.bool as superuser");
  if (account?.superuser !== true) return false;
  try {
    await source.query(`load '${plugin}'`);
    return false;
  } catch (error) {
    if (sqlStateOf(error) !== NO_FILE) throw error;
    return true;
  }
}
