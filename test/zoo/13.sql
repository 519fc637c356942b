-- Added by PostgreSQL 13: operator class parameters, polymorphism over compatible types, BEFORE row triggers on partitioned tables …
create publication zoo_root for table zoo.keyed with (publish_via_partition_root = true);
alter statistics zoo.indexed_mcv set statistics 55;
create index indexed_siglen on zoo.indexed using gist (t zoo_ext.gist_trgm_ops (siglen = 32), path zoo_ext.gist_ltree_ops (siglen = 100));
create index indexed_no_dedup on zoo.indexed (n) with (deduplicate_items = off);
create trigger keyed_before before insert on zoo.keyed for each row execute function zoo.on_change();
create function zoo.compatible(anycompatible, anycompatiblearray) returns anycompatiblearray language sql immutable as 'select null::anycompatiblearray';
create table zoo.insert_thresholds (a integer) with (autovacuum_vacuum_insert_threshold = 12345, autovacuum_vacuum_insert_scale_factor = 0.5);
create view zoo.with_ties as select id from zoo.indexed order by id fetch first 3 rows with ties;
create view zoo.normalized as select normalize('ü', NFD) as d, 'ü' is nfc normalized as is_nfc;
create table zoo.types_13 (id integer, x xid8, s pg_snapshot, c regcollation);
insert into zoo.types_13 values (1, '18446744073709551615', '10:20:10,14,15', 'zoo.german');
create table zoo.alters_generated (a integer, b integer generated always as (a) stored);
alter table zoo.alters_generated alter column b drop expression;
insert into zoo.alters_generated values (1, 2);
