import type { Session } from "../wire/session.ts";
import type { TargetAccount } from "./context.ts";

/**
 * Roles by which managed services let their customers do part of what PostgreSQL asks a superuser for (extensions, event triggers …); what
 * exactly is in no catalog. Amazon RDS and Aurora, Google Cloud SQL and AlloyDB, Azure, Neon, TencentDB.
 */
const PROVIDER_ADMINS = ["rds_superuser", "cloudsqlsuperuser", "alloydbsuperuser", "azure_pg_admin", "neon_superuser", "pg_tencentdb_superuser"];

export async function readTargetAccount(target: Session): Promise<TargetAccount> {
  const [row] = await target.query<Omit<TargetAccount, "providerAdmin"> & { providerAdmin: string | null }>(
    `select r.rolname as name, r.rolsuper as superuser, r.rolcreaterole as "createRole", r.rolcreatedb as "createDatabase",
            (select p.rolname from pg_catalog.pg_roles p where p.rolname = any($1::pg_catalog.text[]) and pg_catalog.pg_has_role(p.oid, 'member') limit 1) as "providerAdmin"
       from pg_catalog.pg_roles r where r.rolname = current_user`,
    [PROVIDER_ADMINS],
  );
  const { name = target.endpoint.user, superuser = false, createRole = false, createDatabase = false, providerAdmin = null } = row ?? {};
  return { name, superuser, createRole, createDatabase, providerAdmin: superuser ? undefined : (providerAdmin ?? undefined) };
}
