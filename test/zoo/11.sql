-- Added by PostgreSQL 11: procedures, partitioned indexes and keys, hash and default partitions, covering indexes …
create procedure zoo.a_procedure(inout a integer, b text default 'it''s') language plpgsql as $$ begin a := a + 1; end $$;
create procedure zoo."Odd Procedure"() language sql security definer set work_mem = '5MB' as 'select 1';
comment on procedure zoo.a_procedure(integer, text) is 'a procedure';
alter procedure zoo.a_procedure(integer, text) owner to zoo_owner;
revoke execute on procedure zoo.a_procedure(integer, text) from public;
grant execute on procedure zoo.a_procedure(integer, text) to zoo_reader;
create aggregate zoo.shareable(integer) (sfunc = int4pl, stype = integer, finalfunc = int4abs, finalfunc_modify = shareable, mfinalfunc_modify = read_write, initcond = '0');
create domain zoo.pair_domain as zoo.pair check ((value).a > 0);
create table zoo.types_11 (p zoo.pair_domain, ds zoo.positive[]);
insert into zoo.types_11 values (row(1, 'x', 'ok'), '{1,2}'), (null, null);

create table zoo.hashed (id bigint, t text) partition by hash (id);
create table zoo.hashed_0 partition of zoo.hashed for values with (modulus 2, remainder 0);
create table zoo.hashed_1 partition of zoo.hashed for values with (modulus 2, remainder 1);
insert into zoo.hashed select i, i::text from generate_series(1, 200) i;
create table zoo.hashed_text (t text, id integer) partition by hash (t, id);
create table zoo.hashed_text_1 partition of zoo.hashed_text for values with (modulus 3, remainder 1);
create table zoo.hashed_text_0 partition of zoo.hashed_text for values with (modulus 3, remainder 0);
create table zoo.hashed_text_2 (gone integer, id integer, t text);
alter table zoo.hashed_text_2 drop column gone;
alter table zoo.hashed_text attach partition zoo.hashed_text_2 for values with (modulus 3, remainder 2);
insert into zoo.hashed_text select md5(i::text), i from generate_series(1, 200) i;
-- the hash of an enum value is the hash of its oid, which is another one at the target: rows change partition
create table zoo.hashed_enum (m zoo.mood, id integer) partition by hash (m);
create table zoo.hashed_enum_0 partition of zoo.hashed_enum for values with (modulus 3, remainder 0);
create table zoo.hashed_enum_1 partition of zoo.hashed_enum for values with (modulus 3, remainder 1);
create table zoo.hashed_enum_2 partition of zoo.hashed_enum for values with (modulus 3, remainder 2);
insert into zoo.hashed_enum select m, i from unnest(enum_range(null::zoo.mood)) m, generate_series(1, 20) i;

create table zoo.keyed (id integer not null, at date, t text default 'd', primary key (id, at) include (t), constraint keyed_unique unique (at, t, id)) partition by range (at);
create table zoo.keyed_default partition of zoo.keyed default;
create table zoo.keyed_2024 partition of zoo.keyed for values from ('2024-01-01') to ('2025-01-01') partition by range (at, id);
create table zoo.keyed_2024_half partition of zoo.keyed_2024 for values from ('2024-01-01', minvalue) to ('2024-07-01', 5);
create table zoo.keyed_2024_default partition of zoo.keyed_2024 default;
create table zoo.keyed_2025 (t text default 'attached', at date not null, id integer not null);
create unique index keyed_2025_own_key on zoo.keyed_2025 (id, at) include (t);
alter table zoo.keyed_2025 add constraint keyed_2025_pk primary key using index keyed_2025_own_key;
alter table zoo.keyed attach partition zoo.keyed_2025 for values from ('2025-01-01') to ('2026-01-01');
create index keyed_t on zoo.keyed (t desc) where id > 0;
create index "Keyed Expression" on zoo.keyed (lower(t));
create index keyed_only on only zoo.keyed (at, t);
comment on index zoo.keyed_t is 'a partitioned index';
insert into zoo.keyed (id, at) values (1, '2020-01-01'), (2, '2024-05-05');
insert into zoo.keyed values (3, '2024-08-05', 'x'), (4, '2025-05-05', 'y');
insert into zoo.tree values (4, null);
alter table zoo.keyed add constraint keyed_fk foreign key (id) references zoo.tree deferrable;
-- next
create trigger keyed_trigger after insert or update on zoo.keyed for each row execute procedure zoo.on_statement();
create constraint trigger keyed_deferred after delete on zoo.keyed deferrable for each row execute procedure zoo.on_statement();
create index covering on zoo.indexed (id) include (t, n);
alter table zoo.tree add constraint tree_covering unique (id) include (parent);
alter index zoo.indexed_expression alter column 1 set statistics 77;
alter index zoo.indexed_expression alter column 3 set statistics 200;
create table zoo.toast_target (t text) with (toast_tuple_target = 256);
create view zoo.frames as select n, sum(n) over (order by n groups between 1 preceding and current row exclude ties) as g, sum(n) over (order by n range between 1.5 preceding and 2 following) as r from zoo.mat_base;
create publication zoo_truncate for table zoo.detached with (publish = 'insert, truncate');
