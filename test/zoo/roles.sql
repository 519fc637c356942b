-- Roles of the zoo: cluster-wide, so created once per server and left alone by tests.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'zoo_owner') then create role zoo_owner; end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'zoo_super') then create role zoo_super superuser; end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'zoo_reader') then create role zoo_reader; end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'zoo_writer') then create role zoo_writer; end if;
exception
  when unique_violation or duplicate_object then null; -- another test was quicker
end
$$;
