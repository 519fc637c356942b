import type { Session } from "../wire/session.ts";
import { PROVIDER_ROLES } from "./provider.ts";
import type { TargetAccount } from "./context.ts";

export async function readTargetAccount(target: Session): Promise<TargetAccount> {
  const [row] = await target.query<Omit<TargetAccount, "providerAdmin"> & { providerAdmin: string | null }>(
    `select r.rolname as name, r.rolsuper as superuser, r.rolcreaterole as "createRole", r.rolcreatedb as "createDatabase", r.rolinherit as inherits,
            (select p.rolname from pg_catalog.pg_roles p where p.rolname = any($1::pg_catalog.text[]) and pg_catalog.pg_has_role(p.oid, 'member') limit 1) as "providerAdmin"
       from pg_catalog.pg_roles r where r.rolname = current_user`,
    [PROVIDER_ROLES],
  );
  const { name = target.endpoint.user, superuser = false, createRole = false, createDatabase = false, inherits = true, providerAdmin = null } = row ?? {};
  return { name, superuser, createRole, createDatabase, inherits, providerAdmin: superuser ? undefined : (providerAdmin ?? undefined) };
}
