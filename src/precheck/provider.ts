import type { Session } from "../wire/session.ts";

/** A managed service, by what can be seen of it from inside, and its own words. */
export interface Provider {
  readonly name: string;
  /** What makes wal_level logical there. */
  readonly logicalDecoding: string;
  /** Where settings of the server are changed: ALTER SYSTEM is refused. */
  readonly settings: string;
}

/**
 * By a role that only servers of the service have, by which it lets its customers do part of what PostgreSQL asks a superuser for (extensions, event triggers …); what
 * exactly is in no catalog.
 */
const PROVIDERS: Readonly<Record<string, Provider>> = {
  rds_superuser: {
    name: "Amazon RDS or Aurora",
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.FeatureSupport.LogicalReplication.html
    logicalDecoding: "Set rds.logical_replication = 1 in the instance's (Aurora: the cluster's) parameter group, and reboot it",
    settings: "in its parameter group",
  },
  cloudsqlsuperuser: {
    name: "Google Cloud SQL",
    // https://cloud.google.com/sql/docs/postgres/replication/configure-logical-replication
    logicalDecoding: "Set the flag cloudsql.logical_decoding = on, which restarts the instance",
    settings: "by its database flags",
  },
  alloydbsuperuser: {
    name: "Google AlloyDB",
    // https://cloud.google.com/alloydb/docs/reference/database-flags
    logicalDecoding: "Set the flag alloydb.logical_decoding = on, which restarts the instance",
    settings: "by its database flags",
  },
  azure_pg_admin: {
    name: "Azure Database for PostgreSQL",
    // https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-logical
    logicalDecoding: "Set the server parameter wal_level = logical (single server: azure.replication_support = logical), and restart it",
    settings: "by its server parameters",
  },
  // https://supabase.com/docs/guides/database/replication
  supabase_admin: {
    name: "Supabase",
    logicalDecoding: "Connect to the database itself (not to its pooler), whose wal_level is logical",
    settings: "by `supabase postgres-config update`",
  },
  // https://neon.com/docs/guides/logical-replication-neon
  neon_superuser: { name: "Neon", logicalDecoding: "Enable logical replication in the project's settings: it cannot be switched off again", settings: "in the project's settings" },
  // https://www.tencentcloud.com/document/product/409
  pg_tencentdb_superuser: {
    name: "TencentDB for PostgreSQL",
    logicalDecoding: "Set wal_level = logical in the instance's parameter settings, and restart it",
    settings: "in its parameter settings",
  },
};

export const PROVIDER_ROLES: readonly string[] = Object.keys(PROVIDERS);

/** The managed service that runs a server; undefined for one that runs by itself. */
export async function readProvider(session: Session): Promise<Provider | undefined> {
  const [row] = await session.query<{ name: string }>("select r.rolname as name from pg_catalog.pg_roles r where r.rolname = any($1::pg_catalog.name[]) order by 1 limit 1", [
    PROVIDER_ROLES,
  ]);
  return row === undefined ? undefined : PROVIDERS[row.name];
}

/** Of max_connections, max_wal_senders, max_locks_per_transaction. https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN */
export const STANDBYS_FIRST = "Where the server has standbys, raise it on them first: one that has less than its primary stops replaying, before 14 it ends.";

/** Words and SQL of a fix that changes the server's settings: on a managed service there is no SQL for it. */
export function settingsFix(provider: Provider | undefined, fix: string, fixSql: string): { readonly fix: string; readonly fixSql?: string } {
  return provider === undefined ? { fix, fixSql } : { fix: `${fix} On ${provider.name} that is done ${provider.settings}.` };
}
