-- Added by PostgreSQL 15: NULLS NOT DISTINCT, security_invoker, row filters and column lists in publications …
create table zoo.nulls_not_distinct (a integer, b text, constraint one_null unique nulls not distinct (a));
create unique index nulls_index on zoo.nulls_not_distinct (b) nulls not distinct;
insert into zoo.nulls_not_distinct values (null, null), (1, 'x');
create view zoo.invoker with (security_invoker = true) as select id from zoo.tree;
create view zoo.invoker_barrier with (security_invoker = on, security_barrier = true, check_option = local) as select id from zoo.indexed where id > 0;
create table zoo.two_keys (a integer, b integer, primary key (a, b));
create table zoo.set_null_columns (id integer, a integer, b integer, constraint some_columns foreign key (a, b) references zoo.two_keys (a, b) on delete set null (b));
create publication zoo_filtered for table zoo.indexed (id, t) where (id > 5 and t <> 'it''s');
create publication zoo_schema for tables in schema "Odd Schema.ü", zoo_empty, table zoo.keyed;
create unlogged sequence zoo.unlogged_seq;
create view zoo.regexp_15 as select regexp_count('abc', 'b') as n, regexp_like('abc', 'B', 'i') as l;
