-- Every kind of object that all supported majors hold, and data at the edges of every built-in type.
-- "-- next" on a line of its own begins a new batch (one simple query, hence one transaction): see zoo.ts.
create schema zoo;
create schema zoo_ext;
create schema "Odd Schema.ü" authorization zoo_owner;
create schema zoo_empty;
comment on schema zoo is 'the object zoo: it''s "quoted", \backslashed and ünïcode';
grant usage on schema zoo to public;
grant usage, create on schema zoo to zoo_owner with grant option;
comment on schema public is 'not the standard comment';
grant usage on schema public to zoo_reader;

-- extensions, in another schema; one with members that users add
create extension hstore with schema zoo_ext;
create extension pg_trgm with schema zoo_ext;
create extension citext with schema zoo_ext;
create extension btree_gist with schema zoo_ext;
create extension ltree with schema zoo_ext;
create extension postgres_fdw with schema zoo_ext;
create extension file_fdw with schema zoo_ext;
comment on extension hstore is 'commented extension';

-- a language of our own over plpgsql's library, and a function in it
create function zoo.pl_handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create function zoo.pl_inline(internal) returns void language c strict as '$libdir/plpgsql', 'plpgsql_inline_handler';
create function zoo.pl_validator(oid) returns void language c strict as '$libdir/plpgsql', 'plpgsql_validator';
create trusted language zoo_pl handler zoo.pl_handler inline zoo.pl_inline validator zoo.pl_validator;
comment on language zoo_pl is 'a language';
grant usage on language zoo_pl to zoo_writer;
create function zoo.in_own_language(a integer) returns integer language zoo_pl as $$ begin return a + 1; end $$;

-- enums, with values added later in the middle: sort order differs from creation order
create type zoo.mood as enum ('sad', 'ok', 'happy');
create type zoo."Odd Enum" as enum ('it''s', 'a "b"', E'tab\tinside', 'ünï', '');
create type zoo.empty_enum as enum ();
-- next
alter type zoo.mood add value 'meh' before 'ok';
-- next
alter type zoo.mood add value 'ecstatic' after 'happy';
-- next
alter type zoo.mood add value 'furious' before 'sad';
-- next
comment on type zoo.mood is 'a mood';
grant usage on type zoo.mood to zoo_reader;
revoke usage on type zoo.mood from public;

-- composites, also nested, with a dropped attribute and a collation
create type zoo.pair as (a integer, "B b" text collate "C", gone integer, m zoo.mood);
alter type zoo.pair drop attribute gone;
create type zoo.nested as (p zoo.pair, ps zoo.pair[], at timestamptz);
create type zoo.nothing as ();
comment on type zoo.pair is 'a pair';
comment on column zoo.pair.a is 'first of the pair';
alter type zoo.nested owner to zoo_owner;

-- domains: over domains, with several checks, one not valid, not null, default, collation
create function zoo.is_even(integer) returns boolean language sql immutable strict as 'select $1 % 2 = 0';
create domain zoo.positive as integer default 7 not null constraint is_positive check (value > 0) constraint below_limit check (value < 1000000000);
create domain zoo.even_positive as zoo.positive constraint is_even check (zoo.is_even(value));
create domain zoo.code as varchar(8) collate "POSIX" check (value ~ '^[A-Z]+$');
alter domain zoo.code add constraint not_checked check (length(value) > 1) not valid;
create domain zoo.int_list as integer[] check (array_length(value, 1) < 4);
comment on domain zoo.positive is 'more than zero';
comment on constraint is_positive on domain zoo.positive is 'really more than zero';
grant usage on type zoo.code to zoo_writer with grant option;

-- ranges: with subtype_diff, canonical (through a shell type) and collation
create function zoo.float_diff(float8, float8) returns float8 language sql immutable as 'select $1 - $2';
create type zoo.float_range as range (subtype = float8, subtype_diff = zoo.float_diff);
create type zoo.text_range as range (subtype = text, collation = "C");
comment on type zoo.float_range is 'a range';

-- a base type with its own I/O, operators, operator classes, casts; a shell type that stays one
create type zoo.shell_only;
create type zoo.myint;
create function zoo.myint_in(cstring) returns zoo.myint language internal immutable strict parallel safe as 'int4in';
create function zoo.myint_out(zoo.myint) returns cstring language internal immutable strict parallel safe as 'int4out';
create function zoo.myint_recv(internal) returns zoo.myint language internal immutable strict as 'int4recv';
create function zoo.myint_send(zoo.myint) returns bytea language internal immutable strict as 'int4send';
create type zoo.myint (input = zoo.myint_in, output = zoo.myint_out, receive = zoo.myint_recv, send = zoo.myint_send, like = integer, category = 'N', preferred = false, default = '42', delimiter = ';');
comment on type zoo.myint is 'a base type';
create function zoo.myint_lt(zoo.myint, zoo.myint) returns boolean language internal immutable strict leakproof as 'int4lt';
create function zoo.myint_le(zoo.myint, zoo.myint) returns boolean language internal immutable strict as 'int4le';
create function zoo.myint_eq(zoo.myint, zoo.myint) returns boolean language internal immutable strict as 'int4eq';
create function zoo.myint_ne(zoo.myint, zoo.myint) returns boolean language internal immutable strict as 'int4ne';
create function zoo.myint_ge(zoo.myint, zoo.myint) returns boolean language internal immutable strict as 'int4ge';
create function zoo.myint_gt(zoo.myint, zoo.myint) returns boolean language internal immutable strict as 'int4gt';
create function zoo.myint_cmp(zoo.myint, zoo.myint) returns integer language internal immutable strict as 'btint4cmp';
create function zoo.myint_hash(zoo.myint) returns integer language internal immutable strict as 'hashint4';
create function zoo.myint_eq_int(zoo.myint, integer) returns boolean language internal immutable strict as 'int4eq';
create operator zoo.< (leftarg = zoo.myint, rightarg = zoo.myint, procedure = zoo.myint_lt, commutator = operator(zoo.>), negator = operator(zoo.>=), restrict = scalarltsel, join = scalarltjoinsel);
create operator zoo.<= (leftarg = zoo.myint, rightarg = zoo.myint, procedure = zoo.myint_le, commutator = operator(zoo.>=), negator = operator(zoo.>), restrict = scalarltsel, join = scalarltjoinsel);
create operator zoo.= (leftarg = zoo.myint, rightarg = zoo.myint, procedure = zoo.myint_eq, commutator = operator(zoo.=), negator = operator(zoo.<>), restrict = eqsel, join = eqjoinsel, hashes, merges);
create operator zoo.<> (leftarg = zoo.myint, rightarg = zoo.myint, procedure = zoo.myint_ne, commutator = operator(zoo.<>), negator = operator(zoo.=), restrict = neqsel, join = neqjoinsel);
create operator zoo.>= (leftarg = zoo.myint, rightarg = zoo.myint, procedure = zoo.myint_ge, commutator = operator(zoo.<=), negator = operator(zoo.<), restrict = scalargtsel, join = scalargtjoinsel);
create operator zoo.> (leftarg = zoo.myint, rightarg = zoo.myint, procedure = zoo.myint_gt, commutator = operator(zoo.<), negator = operator(zoo.<=), restrict = scalargtsel, join = scalargtjoinsel);
create operator zoo.= (leftarg = zoo.myint, rightarg = integer, procedure = zoo.myint_eq_int);
create function zoo.myint_negate(zoo.myint) returns zoo.myint language internal immutable strict as 'int4um';
create operator zoo.-~ (rightarg = zoo.myint, procedure = zoo.myint_negate);
comment on operator zoo.= (zoo.myint, zoo.myint) is 'equality';
comment on operator zoo.-~ (none, zoo.myint) is 'a prefix operator';
alter operator zoo.-~ (none, zoo.myint) owner to zoo_owner;
create operator class zoo.myint_ops default for type zoo.myint using btree as operator 1 zoo.<, operator 2 zoo.<=, operator 3 zoo.=, operator 4 zoo.>=, operator 5 zoo.>, function 1 zoo.myint_cmp(zoo.myint, zoo.myint);
create operator class zoo.myint_hash_ops default for type zoo.myint using hash as operator 1 zoo.=, function 1 zoo.myint_hash(zoo.myint);
create operator family zoo.loose_family using btree;
create operator family zoo.hash_family using hash;
create operator class zoo.in_family for type integer using btree family zoo.loose_family as operator 1 < , operator 2 <= , operator 3 = , operator 4 >= , operator 5 > , function 1 btint4cmp(int4, int4);
alter operator family zoo.loose_family using btree add operator 1 < (int4, int8), operator 2 <= (int4, int8), operator 3 = (int4, int8), operator 4 >= (int4, int8), operator 5 > (int4, int8), function 1 (int4, int8) btint48cmp(int4, int8);
comment on operator class zoo.myint_ops using btree is 'an operator class';
comment on operator family zoo.loose_family using btree is 'an operator family';
alter operator family zoo.loose_family using btree owner to zoo_owner;
create cast (zoo.myint as integer) without function as implicit;
create cast (integer as zoo.myint) without function as assignment;
create cast (zoo.myint as text) with inout;
create function zoo.mood_level(zoo.mood) returns integer language sql immutable as 'select case $1 when ''sad'' then 0 else 1 end';
create cast (zoo.mood as integer) with function zoo.mood_level(zoo.mood);
comment on cast (zoo.mood as integer) is 'level of a mood';
create transform for integer language zoo_pl (from sql with function prsd_lextype(internal), to sql with function int4recv(internal));
comment on transform for integer language zoo_pl is 'a transform';
create access method zoo_index_am type index handler bthandler;
comment on access method zoo_index_am is 'an access method';

-- functions: every clause, bodies that look like a dump, overloads, polymorphism
create function zoo.tricky_body() returns text language plpgsql as $body$
-- Name: not_a_header; Type: TABLE; Schema: zoo; Owner: postgres
--
-- PostgreSQL database dump complete
declare
  t text := 'a;b''c';
begin
  /* create table "never" (a integer); */
  execute $inner$ select ';' || $x$ $body $x$ $inner$ into t;
  return t || E'\\.' || $$
\.
--
-- Name: x; Type: TABLE; Schema: -; Owner: -
--
$$;
end
$body$;
create function zoo."Odd Function"("Arg One" integer default 1, out "Result ü" text, variadic rest text[] default '{}'::text[]) language sql stable as $_$ select $1::text || array_to_string($2, ',') $_$;
create function zoo.overload(integer) returns integer language sql as 'select 1';
create function zoo.overload(text) returns integer language sql as 'select 2';
create function zoo.overload(text, integer default 5) returns integer language sql as 'select 3';
create function zoo.polymorphic(anyelement, anyarray) returns anyarray language sql immutable as 'select array_append($2, $1)';
create function zoo.returns_table(n integer) returns table (id integer, label text) language sql rows 17 cost 3.5 stable as 'select i, i::text from generate_series(1, n) i';
create function zoo.returns_setof() returns setof zoo.pair language sql as 'select 1, ''x''::text, ''sad''::zoo.mood';
create function zoo.with_settings() returns text language plpgsql security definer called on null input parallel restricted set search_path = zoo, "Odd Schema.ü", pg_temp set datestyle to 'SQL, DMY' set work_mem = '8MB' as $$ begin return current_setting('search_path'); end $$;
create function zoo.in_out(inout a integer, in b zoo.mood, out c zoo.positive) language plpgsql as $$ begin a := a + 1; c := 3; end $$;
create sequence zoo.code_seq;
create function zoo.next_code() returns text language sql volatile as $$ select 'C-' || pg_catalog.to_char(pg_catalog.nextval('zoo.code_seq'), 'FM0000') $$;
create function zoo.fold(text) returns text language sql immutable strict as 'select pg_catalog.lower($1)';
create function zoo.quote_in_string() returns text language sql as E'select ''it''''s \\\\ back'' || $q$ dollar $q$';
create function zoo.my_row_number() returns bigint language internal window as 'window_row_number';
comment on function zoo.overload(text, integer) is 'the third';
comment on function zoo.tricky_body() is '-- Name: c; Type: COMMENT
\.
two lines';
revoke execute on function zoo.tricky_body() from public;
grant execute on function zoo.tricky_body() to zoo_reader with grant option;
alter function zoo.overload(integer) owner to zoo_owner;
-- next

-- aggregates: plain, with everything, moving, ordered-set, hypothetical, variadic
create aggregate zoo.my_sum(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create aggregate zoo.my_avg(float8) (sfunc = float8_accum, stype = float8[], finalfunc = float8_avg, combinefunc = float8_combine, initcond = '{0,0,0}', parallel = safe);
create aggregate zoo.moving_sum(integer) (sfunc = int4pl, stype = integer, initcond = '0', msfunc = int4pl, minvfunc = int4mi, mstype = integer, minitcond = '0');
create aggregate zoo.my_percentile(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra);
create aggregate zoo.my_rank(variadic "any" order by variadic "any") (sfunc = ordered_set_transition_multi, stype = internal, finalfunc = rank_final, finalfunc_extra, hypothetical);
create function zoo.smaller_myint(zoo.myint, zoo.myint) returns zoo.myint language internal immutable strict as 'int4smaller';
create aggregate zoo.my_min(zoo.myint) (sfunc = zoo.smaller_myint, stype = zoo.myint, sortop = operator(zoo.<));
create function zoo.any_state(anyelement, anyelement) returns anyelement language sql immutable as 'select coalesce($1, $2)';
create aggregate zoo.first_value_of(anyelement) (sfunc = zoo.any_state, stype = anyelement);
create aggregate zoo.no_arguments(*) (sfunc = int8inc, stype = bigint, initcond = '0');
comment on aggregate zoo.my_avg(float8) is 'an aggregate';
alter aggregate zoo.my_sum(integer) owner to zoo_owner;
revoke all on function zoo.my_avg(float8) from public;

-- collations, conversions, text search
create collation zoo.plain_c (lc_collate = 'C', lc_ctype = 'C');
create collation zoo.mixed (lc_collate = 'C', lc_ctype = 'C.UTF-8');
create collation zoo.german (provider = icu, locale = 'de-u-co-phonebk');
comment on collation zoo.german is 'a collation';
create conversion zoo.my_conversion for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
create default conversion zoo.my_default_conversion for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
comment on conversion zoo.my_conversion is 'a conversion';
create text search parser zoo.my_parser (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype, headline = prsd_headline);
create text search template zoo.my_template (init = dsimple_init, lexize = dsimple_lexize);
create text search dictionary zoo.my_dictionary (template = zoo.my_template, stopwords = 'english', accept = 'false');
create text search dictionary zoo."Odd Dict" (template = pg_catalog.snowball, language = 'german');
create text search configuration zoo.my_config (parser = zoo.my_parser);
alter text search configuration zoo.my_config add mapping for asciiword, word with zoo.my_dictionary, zoo."Odd Dict", simple;
alter text search configuration zoo.my_config add mapping for email with simple;
comment on text search parser zoo.my_parser is 'a parser';
comment on text search template zoo.my_template is 'a template';
comment on text search dictionary zoo.my_dictionary is 'a dictionary';
comment on text search configuration zoo.my_config is 'a configuration';

-- sequences: every option, called and not called
create sequence zoo.plain_seq;
create sequence zoo.descending increment -3 minvalue -1000 maxvalue -1 start -10 cycle cache 5;
create sequence zoo.small as smallint increment 7 maxvalue 100 cycle;
create sequence zoo.reset_to;
create sequence zoo."Odd Seq ü" as bigint minvalue -9223372036854775808 maxvalue 9223372036854775807 start 9223372036854775807;
create sequence zoo.at_the_end maxvalue 3;
select nextval('zoo.descending'), nextval('zoo.small'), nextval('zoo.small'), nextval('zoo."Odd Seq ü"'), setval('zoo.reset_to', 42, false), setval('zoo.at_the_end', 3, true);
comment on sequence zoo.descending is 'downwards';
grant usage on sequence zoo.small to zoo_writer;
grant select, update on sequence zoo.plain_seq to zoo_reader with grant option;
alter sequence zoo.plain_seq owner to zoo_owner;
-- next

-- every built-in type with its extremes
create table zoo.types_numeric (id integer primary key, si smallint, i integer, bi bigint, n numeric, n2 numeric(20, 5), r real, d double precision, m money, b boolean);
insert into zoo.types_numeric values
  (1, -32768, -2147483648, -9223372036854775808, 'NaN', -123456789012345.12345, '-Infinity', '-Infinity', '-92233720368547758.08', true),
  (2, 32767, 2147483647, 9223372036854775807, ('-' || repeat('9', 500) || '.' || repeat('7', 500))::numeric, 0.00001, 'NaN', 'NaN', '92233720368547758.07', false),
  (3, 0, 0, 0, ('0.' || repeat('0', 999) || '1')::numeric, 'NaN', '-0', '-0', 0, null),
  (4, null, null, null, '1.50000', 1.5, 'Infinity', 'Infinity', null, null),
  (5, 1, 1, 1, ('1' || repeat('0', 1000))::numeric, 99999.99999, '1.17549435e-38', '2.2250738585072014e-308', 1.01, true),
  (-6, 1, 1, 1, 1e-300, 1, '3.4028235e38', '1.7976931348623157e308', 1, true),
  (7, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, true),
  (8, 1, 1, 1, 0.30000000000000004, 1, '1.4e-45', '4.94065645841246544e-324', 1, true),
  (-2147483648, 1, 1, 1, 1, 1, 0.3333333333333333, 0.1 + 0.2, 1, true);
create table zoo.types_text (id bigserial primary key, c char(5), ch "char", v varchar(10), t text, n name, b bytea, ci zoo_ext.citext, j json, jb jsonb, x xml, c_locale text collate zoo.plain_c, german text collate zoo.german);
insert into zoo.types_text (c, ch, v, t, n, b, ci, j, jb, x) values
  ('a', 'x', 'ü', E'tab\t newline\n return\r back\\slash \\N \\. quote'' "dq"', 'name', '\x00ff5c0a'::bytea, 'MiXeD', ' {"a" : 1,  "a":2, "n": 1.10, "u": "\u0000\u00fc" } ', '{"b": 1.10, "a": [1, null, "ü\"\\"], "big": 123456789012345678901234567890}', '<a b="1">&lt;ü</a>'),
  ('', '', '', '', '', '', '', '""', '""', ''),
  (null, null, null, null, null, null, null, null, null, null),
  ('ab   ', '\', '\.', '\.', '\.', '\x5c2e', '\N', '"\\N"', '"\\."', xmlparse(content 'text only')),
  ('     ', '	', E'\n', E'\r\n', ' lead and trail ', decode('deadbeef', 'hex'), E'\u00a0', 'null', 'null', xmlparse(document '<?xml version="1.0"?><r>  </r>')),
  ('日本', 'z', '😀😀', repeat('long ü ', 20000), repeat('n', 63), decode(repeat('00ff', 50000), 'hex'), 'Ünï', '[]', ('[' || repeat('1,', 30000) || '1]')::jsonb, '<e/>'),
  ('x', 'x', E'\b\f\013', E'\001\177\u0085\u2028', 'x', '\x', 'x', '{}', '{}', '<!--c--><a/>');
alter table zoo.types_text alter column t set storage external, alter column b set storage main, alter column n set statistics 17;
create table zoo.types_time (id integer generated always as identity (start with 100 increment by 10) primary key, d date, t time, tz timetz, t3 time(3), ts timestamp, tstz timestamptz, ts0 timestamp(0), i interval, ihm interval hour to minute, i2 interval(2));
insert into zoo.types_time (d, t, tz, t3, ts, tstz, ts0, i, ihm, i2) values
  ('infinity', '24:00:00', '24:00:00-15:59:59', '23:59:59.999', 'infinity', 'infinity', 'infinity', '178000000 years', '-5:30', '1.239 seconds'),
  ('-infinity', '00:00:00', '00:00:00+15:59:59', '00:00', '-infinity', '-infinity', '-infinity', '-178000000 years', '0', '0'),
  ('4714-11-24 BC', '23:59:59.999999', '12:34:56.789+05:30', '1:2:3.4567', '4714-11-24 00:00:00 BC', '4714-11-24 00:00:00+00 BC', '0001-01-01 BC', '1 year -2 days +03:04:05.678901', '100:59', '-1 mon -00:00:00.01'),
  ('5874897-12-31', '12:00', '12:00Z', '12:00', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '2000-01-01 00:00:00.5', '-1 mons +1 day -00:00:00.000001', null, null),
  (null, null, null, null, null, null, null, null, null, null),
  ('0001-12-31 BC', '00:00:00.000001', '00:00:00.000001+00', null, '1999-12-31 23:59:59.999999', '1883-11-18 12:03:58-07:52:58', '1970-01-01', '00:00', '00:00', '00:00');
create table zoo.types_geo (id integer, p point, l line, ls lseg, b box, pa path, po path, pg polygon, c circle);
insert into zoo.types_geo values
  (1, '(1e-300,-1e300)', '{1,-1,0.1}', '[(0.1,0.2),(0.3,0.4)]', '(2,2),(0.1,0.1)', '((0,0),(1,1),(2,0))', '[(0,0),(1,1)]', '((0,0),(0,1),(1,1))', '<(0.1,0.1),0.3333333333333333>'),
  (2, '(NaN,Infinity)', '{0,1,-2}', '[(1,1),(1,1)]', '(Infinity,1),(-Infinity,1)', '((0,0))', '[(NaN,0)]', '((0,0))', '<(0,0),0>'),
  (3, null, null, null, null, null, null, null, null);
create table zoo.types_net (id integer, i inet, c cidr, m macaddr, m8 macaddr8, u uuid, bits bit(5), vbits varbit, vb3 varbit(3));
insert into zoo.types_net values
  (1, '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10101', repeat('10', 500)::varbit, '1'),
  (2, '::ffff:1.2.3.4', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', '00:00:00:ff:fe:00:00:00', '00000000-0000-0000-0000-000000000000', '00000', '', ''),
  (3, '0.0.0.0/0', '::/0', null, null, 'ffffffff-ffff-ffff-ffff-ffffffffffff', null, null, null);
create table zoo.types_search (id integer, v tsvector, q tsquery);
insert into zoo.types_search values
  (1, to_tsvector('english', 'The quick brown fox''s jump over the \lazy dogs'), to_tsquery('english', 'fox & (dog | !cat) <2> jump:*AB')),
  (2, $q$'with space':1A,2B,16383C 'it''s':3 '\\back':4$q$::tsvector, $q$'it''s' & '\\back'$q$::tsquery), (3, '', '');
create table zoo.types_range (id integer, i4 int4range, i8 int8range, n numrange, ts tsrange, tstz tstzrange, d daterange, f zoo.float_range, t zoo.text_range, ir int4range[]);
insert into zoo.types_range values
  (1, '[1,5)', '(,9223372036854775807)', '[1.10,NaN]', '[-infinity,infinity]', '(2000-01-01,)', '[4714-11-24 BC,5874897-12-30]', '[-0,Infinity]', '["a ,()[]\\ \"q","z ü"]', array['empty'::int4range, '(,)']),
  (2, 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', '{}'),
  (3, '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '("",)', null);
create table zoo.types_system (id integer, o oid, c regclass, t regtype, p regprocedure, op regoperator, cfg regconfig, dict regdictionary, rol regrole, ns regnamespace, lsn pg_lsn, snap txid_snapshot, x xid, cd cid, ti tid, iv int2vector, ov oidvector, cur refcursor, a aclitem);
insert into zoo.types_system values
  (1, 4294967295, 'pg_catalog.pg_class', 'zoo.mood', 'zoo.overload(text, integer)', '=(integer,integer)', 'zoo.my_config', 'zoo."Odd Dict"', 'zoo_owner', 'zoo', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15', '4294967295', '4294967295', '(4294967295,65535)', '1 -32768 32767', '0 4294967295', 'cursor "x"', 'zoo_reader=r*w/zoo_owner'),
  (2, 0, '-', '-', '-', '0', '-', '-', '-', '-', '0/0', '1:1:', '0', '0', '(0,0)', '', '', '', '=U/zoo_owner');
insert into zoo.types_system (id) values (3);
create table zoo.types_array (id integer, i integer[], nested integer[][], bounds integer[], t text[], t4 text[4], b boolean[], bx box[], moods zoo.mood[], pairs zoo.pair[], n numeric[], js jsonb[], by bytea[], ts timestamptz[], mine zoo.myint[]);
insert into zoo.types_array values
  (1, '{}', '{{1,2},{3,NULL}}', '[-2:0]={1,2,3}', array['', 'NULL', null, 'a,b', '{}', '"', '\', ' sp ', E'\n'], '{a,b,c,d,e}', '{t,f,NULL}', '{(1,1),(0,0);(2,2),(1,1)}', '{sad,meh,ecstatic}', array[(1, 'x "y" (z), \', 'ok')::zoo.pair, null, (null, '', null)::zoo.pair], '{NaN,1.0,1.00}', array['{"a": "b\"c"}'::jsonb, 'null', null], array['\x00'::bytea, ''], '{infinity,-infinity}', '{1;2}'),
  (2, '[1:1][-2:-1][3:5]={{{1,2,3},{4,5,6}}}', '{}', null, '{}', null, '{}', null, '{}', '{}', null, null, null, null, null);
create table zoo.types_user (id zoo.positive primary key, e zoo.even_positive, mood zoo.mood not null default 'ok', odd zoo."Odd Enum", p zoo.pair, n zoo.nested, c zoo.code default 'ABC', l zoo.int_list, mine zoo.myint, h zoo_ext.hstore, path zoo_ext.ltree, whole zoo.types_geo, nothing zoo.nothing);
insert into zoo.types_user values
  (1, 2, 'meh', 'it''s', row(1, 'a, "b" (c) \', 'furious'), row(row(1, null, null), array[row(2, '', 'sad')]::zoo.pair[], '-infinity'), 'ABCDEFGH', '{1,2}', '2147483647', 'a=>NULL, "b c"=>"d\"\\"', 'Top.Science.a_b', row(1, '(1,2)', null, null, null, null, null, null, null), row()),
  (2, 4, 'ecstatic', '', null, null, 'ZZ', '{}', '-1', '', '', null, null),
  (999999999, 6, 'furious', E'tab\tinside', row(null, null, null), row(null, null, null), null, null, null, null, null, null, null);
create index types_user_mine on zoo.types_user using btree (mine);
create index types_user_mine_hash on zoo.types_user using hash (mine);
-- next

-- names: blanks, quotes, dots, upper case, Unicode, keywords, 63 bytes, tab and newline; columns and indexes likewise
create table "Odd Schema.ü"."Table With ""Quotes"" and 'apostrophes'" ("Id" integer primary key, "select" text, "a.b" text, "ü" text, "tab	in" text, " lead" text, "100%" text, "$1" text, "\b" text);
insert into "Odd Schema.ü"."Table With ""Quotes"" and 'apostrophes'" values (1, 's', 'd', 'u', 't', 'l', 'p', 'dollar', 'b');
create index "Odd.Index ü" on "Odd Schema.ü"."Table With ""Quotes"" and 'apostrophes'" ("a.b" desc, "ü" collate "C" nulls first);
create table "Odd Schema.ü"."new
line; -- Name: x; Type: TABLE" (a integer, "col
umn" text);
insert into "Odd Schema.ü"."new
line; -- Name: x; Type: TABLE" values (1, 'x');
create table "Odd Schema.ü"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxüü" (a integer primary key);
create table "Odd Schema.ü"."user" ("order" integer, "table" integer, "user" integer, "check" integer, "system_user" integer, "period" integer, "overlaps" integer);
create unique index system_user_index on "Odd Schema.ü"."user" ("system_user", "order") where "system_user" > 0;
create table "Odd Schema.ü"."." ("." integer);
create table "Odd Schema.ü".日本語 (列 text unique);
insert into "Odd Schema.ü".日本語 values ('値'), (null);
create view "Odd Schema.ü"."View ü" as select "order" as "Order By", "system_user" from "Odd Schema.ü"."user" where "check" is null;
comment on table "Odd Schema.ü"."." is 'a dot';
comment on column "Odd Schema.ü"."."."." is 'a dot in a dot';
grant select ("Id", "a.b"), update ("ü") on "Odd Schema.ü"."Table With ""Quotes"" and 'apostrophes'" to zoo_reader;
-- next

-- tables: zero columns, unlogged, storage options, identity, serial, defaults, dropped columns
create table zoo.no_columns ();
insert into zoo.no_columns default values;
insert into zoo.no_columns default values;
create table zoo.dropped_all (a integer, b text);
alter table zoo.dropped_all drop column a, drop column b;
insert into zoo.dropped_all default values;
create unlogged table zoo.unlogged (id serial primary key, t text);
insert into zoo.unlogged (t) values ('kept too'), ('really');
create unlogged table zoo.unlogged_identity (id integer generated by default as identity, t text);
insert into zoo.unlogged_identity (t) values ('x');
create table zoo.options (a integer, b text, c text) with (fillfactor = 70, autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.4, toast.autovacuum_enabled = false, toast.autovacuum_freeze_max_age = 200000000, user_catalog_table = false, parallel_workers = 3, log_autovacuum_min_duration = 1000);
alter table zoo.options alter column a set (n_distinct = -0.5, n_distinct_inherited = 100), alter column a set statistics 500, alter column b set statistics 0, alter column c set storage plain;
create table zoo.identities (a integer generated always as identity (increment by 5 minvalue -50 start -50 cycle cache 3), b bigint generated by default as identity, c smallint generated always as identity (sequence name zoo."Identity Seq"));
insert into zoo.identities default values;
insert into zoo.identities default values;
create table zoo.serials (s2 smallserial, s4 serial, s8 bigserial, gone integer, moved integer default nextval('zoo.plain_seq'), code text default zoo.next_code());
alter table zoo.serials drop column gone;
insert into zoo.serials default values;
insert into zoo.serials default values;
create sequence zoo.owned_elsewhere owned by zoo.serials.moved;
create sequence "Odd Schema.ü"."Owned Odd" owned by "Odd Schema.ü"."user"."order";
select nextval('zoo.owned_elsewhere');
create table zoo.defaults (a integer default 1 + 1, at timestamptz default now(), u text default 'it''s; -- $$', arr integer[] default '{1,2}', p zoo.pair default row(1, 'x', 'ok'), n numeric(10, 2) default 1e2, nn text not null default '' check (nn <> 'x'), big bigint default -9223372036854775808, interval_d interval default '1 day', fn text default zoo.fold('ABC'));
insert into zoo.defaults (at) values ('2020-01-01');
create table zoo.cluster_me (a integer, b text, constraint cluster_me_pkey primary key (a));
create index cluster_me_b on zoo.cluster_me (b);
alter table zoo.cluster_me cluster on cluster_me_b;
insert into zoo.cluster_me select i, md5(i::text) from generate_series(1, 500) i;
create table zoo.typed of zoo.pair (primary key (a), m with options not null default 'ok');
insert into zoo.typed values (1, 'x', 'meh');
create table zoo.like_table (like zoo.defaults including all);
create temporary table zoo_temporary (a integer);
comment on table zoo.options is E'several\nlines\t-- Name: x; Type: TABLE';
comment on column zoo.options.a is 'column comment';
-- next

-- inheritance: multiple, columns in other order, attached later, local overrides, constraints not inherited
create table zoo.parent_a (id integer not null, name text default 'parent', constraint positive_id check (id > 0), constraint only_here check (id < 1000) no inherit);
create table zoo.parent_b (id integer, extra date);
create table zoo.child_ab (own numeric default 1) inherits (zoo.parent_a, zoo.parent_b);
create table zoo.child_override (name text default 'child', id integer default 5) inherits (zoo.parent_a);
-- its own columns in front would come back behind the inherited ones: pg_dump cannot keep that order
create table zoo.child_later (gone integer, id integer not null, name text, extra text, constraint positive_id check (id > 0));
alter table zoo.child_later drop column gone;
alter table zoo.child_later inherit zoo.parent_a;
create table zoo.grandchild (deep boolean not null default true) inherits (zoo.child_ab);
alter table zoo.parent_a add column added text default 'late';
alter table zoo.child_ab alter column name drop default;
alter table zoo.grandchild alter column name set default 'grand';
create table zoo.disowned () inherits (zoo.parent_a);
alter table zoo.disowned no inherit zoo.parent_a;
insert into zoo.parent_a values (1, 'a'), (2, 'b');
insert into zoo.child_ab (id, own) values (3, 1.5);
insert into zoo.child_override values (4);
insert into zoo.child_later (extra, name, id) values ('x', 'later', 5);
insert into zoo.grandchild (id) values (6);
insert into zoo.disowned (id) values (7);
create index child_ab_id on zoo.child_ab (id);

-- partitions: list, range, several levels, several key columns, expressions, other column order, dropped columns that differ
create table zoo.measurements (at date not null, city text, value numeric) partition by range (at);
create table zoo.measurements_2023 partition of zoo.measurements for values from ('2023-01-01') to ('2024-01-01');
create table zoo.measurements_2024 (dropped text, value numeric, city text, at date not null, dropped_too integer);
alter table zoo.measurements_2024 drop column dropped, drop column dropped_too;
alter table zoo.measurements attach partition zoo.measurements_2024 for values from ('2024-01-01') to ('2025-01-01');
create table zoo.measurements_old partition of zoo.measurements (value default 0, check (value > -1000)) for values from (minvalue) to ('2023-01-01') partition by list (city);
create table zoo.measurements_old_known partition of zoo.measurements_old for values in ('Oslo', 'it''s', 'Zürich');
create table zoo.measurements_old_null partition of zoo.measurements_old for values in (null);
create table zoo.measurements_future partition of zoo.measurements for values from ('2025-01-01') to (maxvalue);
create index measurements_2024_city on zoo.measurements_2024 (city);
alter table zoo.measurements_2023 add primary key (at);
insert into zoo.measurements values ('2023-05-05', 'Oslo', 1.0), ('2024-02-29', 'Paris', 2.50), ('1999-01-01', 'Zürich', 3), ('1999-01-01', null, 4), ('2030-01-01', 'x', null);
create table zoo.many_keys (a integer, b text, c date) partition by range (a, lower(b) collate "C", c);
create table zoo.many_keys_1 partition of zoo.many_keys for values from (minvalue, minvalue, minvalue) to (10, 'm', '2000-01-01');
create table zoo.many_keys_2 partition of zoo.many_keys for values from (10, 'm', '2000-01-01') to (10, maxvalue, maxvalue);
insert into zoo.many_keys values (1, 'A', '1990-01-01'), (10, 'Z', '2001-01-01');
create table zoo.by_mood (m zoo.mood, id integer) partition by list (m);
create table zoo.by_mood_low partition of zoo.by_mood for values in ('furious', 'sad', 'meh');
create table zoo.by_mood_high partition of zoo.by_mood for values in ('ok', 'happy', 'ecstatic');
insert into zoo.by_mood values ('meh', 1), ('ecstatic', 2);
create table zoo.by_bool (flag boolean, t text default 'root') partition by list (flag);
create table zoo.by_bool_true partition of zoo.by_bool (t default 'leaf' not null) for values in (true);
insert into zoo.by_bool values (true);
create table zoo.empty_partitioned (a integer) partition by list (a);
create table zoo.detached (a integer);
comment on table zoo.measurements is 'partitioned';
comment on column zoo.measurements_2024.city is 'column of a partition';
grant select on zoo.measurements to zoo_reader;
-- next

-- indexes of all access methods and forms
create table zoo.indexed (id integer, t text, ci zoo_ext.citext, arr integer[], doc jsonb, v tsvector, p point, r int4range, net inet, n numeric, at timestamptz, h zoo_ext.hstore, path zoo_ext.ltree);
insert into zoo.indexed select i, 'text ' || i, 'CI' || i, array[i, i + 1], jsonb_build_object('k', i), to_tsvector('simple', 'word' || i), point(i, i), int4range(i, i + 5), '10.0.0.1', i, '2020-01-01'::timestamptz + i * interval '1 day', zoo_ext.hstore('k', i::text), ('a.b' || i)::zoo_ext.ltree from generate_series(1, 300) i;
create unique index indexed_unique on zoo.indexed (id);
create index indexed_partial on zoo.indexed (t) where id > 10 and t is not null;
create index indexed_expression on zoo.indexed (lower(t), (id + 1) desc nulls last, zoo.fold(t));
create index indexed_order on zoo.indexed (t desc, n asc nulls first, id desc nulls last);
create index indexed_opclass on zoo.indexed (t text_pattern_ops, ci);
create index indexed_collation on zoo.indexed (t collate "C", t collate zoo.german);
create index indexed_hash on zoo.indexed using hash (t);
create index indexed_gin on zoo.indexed using gin (arr, v) with (fastupdate = off, gin_pending_list_limit = 128);
create index indexed_gin_path on zoo.indexed using gin (doc jsonb_path_ops);
create index indexed_trgm on zoo.indexed using gin (t zoo_ext.gin_trgm_ops);
create index indexed_gist on zoo.indexed using gist (p, r) with (buffering = on, fillfactor = 60);
create index indexed_ltree on zoo.indexed using gist (path);
create index indexed_spgist on zoo.indexed using spgist (p) with (fillfactor = 75);
create index indexed_spgist_text on zoo.indexed using spgist (t);
create index indexed_brin on zoo.indexed using brin (at, n) with (pages_per_range = 4, autosummarize = on);
create index indexed_fill on zoo.indexed (n) with (fillfactor = 50);
comment on index zoo.indexed_gin is 'an index';
create statistics zoo.indexed_both on id, n from zoo.indexed;
create statistics zoo.indexed_distinct (ndistinct) on id, t, n from zoo.indexed;
create statistics zoo."Odd Stats" (dependencies) on id, t from zoo.indexed;
comment on statistics zoo.indexed_both is 'extended statistics';
alter statistics zoo.indexed_distinct owner to zoo_owner;

-- constraints: deferrable, exclusion, not valid, circular, self, composite, all actions, to a unique index with other order
create table zoo.constraints (id integer, a integer, b text, during tsrange, room integer, constraint "Odd PK" primary key (id) with (fillfactor = 80), constraint deferred_unique unique (a, b) deferrable initially deferred, constraint immediate_unique unique (b) deferrable, constraint no_overlap exclude using gist (room with =, during with &&) where (room > 0), constraint exclude_deferred exclude using btree (a with =) deferrable initially deferred, constraint checked check (a > 0 and b <> ';'));
insert into zoo.constraints values (1, 1, 'x', '[2020-01-01,2020-01-02)', 1), (2, 2, 'y', '[2020-01-02,2020-01-03)', 1);
alter table zoo.constraints add constraint not_valid_check check (a > 1) not valid;
create table zoo.circle_a (id integer primary key, b_id integer);
create table zoo.circle_b (id integer primary key, a_id integer references zoo.circle_a deferrable initially deferred);
alter table zoo.circle_a add constraint circle_a_b foreign key (b_id) references zoo.circle_b on update cascade on delete set null;
insert into zoo.circle_a values (1, null);
insert into zoo.circle_b values (1, 1);
update zoo.circle_a set b_id = 1;
create table zoo.tree (id integer primary key, parent integer references zoo.tree on delete cascade);
insert into zoo.tree values (2, null), (1, 2), (3, 1);
create table zoo.fk_target (x integer, y text, z integer, unique (y, x));
create unique index fk_target_xy on zoo.fk_target (x, y);
create table zoo.referencing (id integer, a integer, b text, c integer default 1, d integer, constraint fk_full foreign key (a, b) references zoo.fk_target (x, y) match full on update restrict on delete set default, constraint fk_simple foreign key (c) references zoo.constraints on delete no action deferrable initially immediate);
insert into zoo.fk_target values (1, 'x');
insert into zoo.referencing values (1, 1, 'x', 1), (2, null, null, 2), (3, null, null, null);
update zoo.referencing set d = 99 where id = 3;
alter table zoo.referencing add constraint fk_not_valid foreign key (d) references zoo.constraints not valid;
comment on constraint fk_full on zoo.referencing is 'a foreign key';
comment on constraint checked on zoo.constraints is 'a check';
-- next
-- views: chains, options, rules, renamed columns, defaults, dependence on a primary key, recursion
create view zoo.plain_view as select id, t as "Text T", n + 1 as more from zoo.indexed where t like '%''%' or id between 1 and 3;
create view zoo.barrier with (security_barrier) as select id, t from zoo.indexed where id > 5;
create view zoo.checked_local with (check_option = local) as select id, t from zoo.barrier where id < 100;
create view zoo.checked_cascaded as select id from zoo.checked_local where id <> 50 with cascaded check option;
create recursive view zoo.tree_path (id, path) as select id, array[id] from zoo.tree where parent is null union all select t.id, p.path || t.id from zoo.tree t join tree_path p on t.parent = p.id;
create view zoo.needs_primary_key as select c.id, c.b, count(*) as n from zoo.constraints c left join zoo.referencing r on r.c = c.id group by c.id;
create view zoo.needs_view_that_needs_key as select * from zoo.needs_primary_key where n > 0;
create view zoo.many_forms as
  with recursive numbers (n) as (values (1) union all select n + 1 from numbers where n < 5), moved as (select * from zoo.types_range where i4 @> 1)
  select n, sum(n) over w as running, rank() over (partition by n % 2 order by n desc rows between 1 preceding and unbounded following) as place, sum(n) filter (where n > 2) over (order by n) as filtered,
    case n when 1 then 'one' else null end as word, coalesce(nullif(n, 1), 0) as c, array(select m.i4 from moved m) as a, exists (select from moved) as e, n = any (array[1, 2]) as any_of,
    extract(year from timestamp '2020-01-01') as y, position('b' in 'abc') as pos, substring('abc' from 2 for 1) as sub, overlay('abc' placing 'x' from 2) as over, trim(both 'x' from 'xax') as tr,
    timestamptz '2020-01-01 00:00+00' at time zone 'Europe/Oslo' as oslo, current_date as today, current_user as me, n::zoo.positive as dom, greatest(n, 2) as g, n is distinct from 3 as d, n between symmetric 5 and 1 as b
  from numbers window w as (order by n);
create view zoo.sets as (select 1 as a, 'x'::text as b except all select 2, 'y') union select id, t from zoo.indexed where id < 3 order by 1 desc limit 5 offset 0;
create view zoo.joins as
  select a.id, b.extra, l.*, g.ord, x.val from zoo.parent_a a natural left join zoo.parent_b b full join zoo.child_ab c using (id) cross join lateral (select a.id + 1 as next_id) l
  left join unnest(array[1, 2]) with ordinality as g (item, ord) on true left join rows from (generate_series(1, 2), generate_series(1, 3)) as x (val, other) on true
  where not (a.name ~~* 'x') and a.name similar to 'a|b' group by grouping sets ((a.id, b.extra, l.next_id, g.ord, x.val), ());
create view zoo.sampled as select distinct on (id) id, t from zoo.indexed tablesample bernoulli (50) repeatable (1) order by id, t desc;
create view zoo.locking as select id from zoo.indexed for update of indexed skip locked;
create view zoo.xml_view as select xmlelement(name foo, xmlattributes('a' as x), xmlforest(1 as one)) as e, xmlserialize(content xmlparse(document '<a/>') as text) as s, t.* from xmltable('/r/i' passing xmlparse(document '<r><i id="1">x</i></r>') columns id integer path '@id', body text path '.' default 'none', ord for ordinality) t;
create view zoo.renamed as select id as old_name, t from zoo.indexed;
alter table zoo.renamed rename column old_name to "New Name";
alter view zoo.renamed alter column t set default 'from view';
create view zoo.system_view as select c.oid::regclass::text as relation, c.relname, n.nspname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = 'zoo' and c.relkind = 'r';
create view zoo.no_columns_view as select from zoo.no_columns;
create view zoo.star as select whole.* from zoo.types_geo whole;
create view zoo.whole_row as select g as geo, (u.p).a as pair_a from zoo.types_geo g, zoo.types_user u;
comment on view zoo.plain_view is 'a view';
comment on column zoo.plain_view."Text T" is 'a view''s column';
alter view zoo.barrier owner to zoo_owner;
grant select on zoo.barrier to zoo_reader;
grant update (t) on zoo.barrier to zoo_writer;
create rule insert_renamed as on insert to zoo.renamed do instead insert into zoo.indexed (id, t) values (new."New Name", new.t) returning id, t;
create rule "Odd Rule" as on update to zoo.renamed where old."New Name" > 5 do instead (update zoo.indexed set t = new.t where id = old."New Name"; delete from zoo.detached where a = old."New Name");
create rule unconditional as on update to zoo.renamed do instead nothing;
create rule notifying as on delete to zoo.detached do also notify zoo_channel, 'it''s gone';
create rule log_delete as on delete to zoo.fk_target where old.z > 5 do also insert into zoo.detached values (old.x);
create rule disabled_rule as on insert to zoo.fk_target do also nothing;
alter table zoo.fk_target disable rule disabled_rule;
alter table zoo.fk_target enable always rule log_delete;
comment on rule log_delete on zoo.fk_target is 'a rule';
-- next

-- materialized views: a chain, indexes, one without data, one over a view that needs a primary key
create materialized view zoo.mat_base as select id, t, n from zoo.indexed where id < 50;
create unique index mat_base_id on zoo.mat_base (id);
create index mat_base_t on zoo.mat_base (lower(t)) where id > 3;
create materialized view zoo.mat_aaa_depends as select count(*) as n, max(t) as t from zoo.mat_base;
create materialized view zoo.mat_zzz with (fillfactor = 60) as select * from zoo.mat_aaa_depends, zoo.plain_view limit 3;
create materialized view zoo.mat_empty as select * from zoo.mat_base with no data;
create materialized view zoo.mat_key as select * from zoo.needs_view_that_needs_key;
create view zoo.over_mat as select * from zoo.mat_key;
alter materialized view zoo.mat_base cluster on mat_base_id;
alter materialized view zoo.mat_base alter column t set statistics 33;
comment on materialized view zoo.mat_base is 'materialized';
comment on column zoo.mat_base.t is 'materialized column';
grant select on zoo.indexed to zoo_owner; -- else the owner could not refresh
alter materialized view zoo.mat_base owner to zoo_owner;
grant select on zoo.mat_base to zoo_reader;

-- triggers: every event, level, timing, state
create table zoo.triggered (id integer, t text, n integer);
create function zoo.on_change() returns trigger language plpgsql as $$ begin if tg_op = 'DELETE' then return old; end if; new.t := coalesce(new.t, '') || '!'; return new; end $$;
create function zoo.on_statement() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger before_row before insert or update of t, n on zoo.triggered for each row when (new.t is distinct from 'it''s') execute procedure zoo.on_change('an argument', '', 'it''s \x');
create trigger "Odd Trigger" after delete or truncate on zoo.triggered for each statement execute procedure zoo.on_statement();
create trigger with_tables after update on zoo.triggered referencing old table as before_rows new table as "After Rows" for each statement execute procedure zoo.on_statement();
create trigger disabled_one before delete on zoo.triggered for each row execute procedure zoo.on_change();
create trigger replica_one before insert on zoo.triggered for each row execute procedure zoo.on_change();
create trigger always_one after insert on zoo.triggered for each row execute procedure zoo.on_statement();
create constraint trigger deferred_one after insert or update on zoo.triggered from zoo.tree deferrable initially deferred for each row when (new.id > 0) execute procedure zoo.on_statement();
alter table zoo.triggered disable trigger disabled_one, enable replica trigger replica_one, enable always trigger always_one;
create trigger instead_of instead of insert or delete on zoo.plain_view for each row execute procedure zoo.on_change();
create trigger on_leaf before insert on zoo.measurements_2024 for each row execute procedure zoo.on_statement();
create trigger on_root after insert on zoo.measurements for each statement execute procedure zoo.on_statement();
alter table zoo.measurements_2024 disable trigger on_leaf;
comment on trigger before_row on zoo.triggered is 'a trigger';
insert into zoo.triggered values (1, 'as it was', 1);
-- next
create function zoo.on_ddl() returns event_trigger language plpgsql as $$ begin null; end $$;
create event trigger zoo_ddl_end on ddl_command_end when tag in ('CREATE TABLE', 'ALTER TABLE') execute procedure zoo.on_ddl();
create event trigger zoo_drop on sql_drop execute procedure zoo.on_ddl();
create event trigger "Zoo Rewrite" on table_rewrite execute procedure zoo.on_ddl();
alter event trigger zoo_drop disable;
alter event trigger "Zoo Rewrite" enable always;
comment on event trigger zoo_drop is 'an event trigger';

-- row-level security
create table zoo.secured (id integer primary key, owner_name name default current_user, secret text);
insert into zoo.secured values (1, 'zoo_reader', 's1'), (2, 'zoo_writer', 's2');
alter table zoo.secured enable row level security, force row level security;
alter table zoo.secured owner to zoo_owner;
create policy everyone on zoo.secured using (true);
create policy "Odd Policy" on zoo.secured as restrictive for update to zoo_writer, zoo_reader using (owner_name = current_user) with check (secret <> 'it''s');
create policy read_some on zoo.secured for select to zoo_reader using (exists (select 1 from zoo.tree t where t.id = secured.id));
create policy insert_some on zoo.secured for insert with check (id > 0);
create policy not_enabled on zoo.tree using (id < 100);
comment on policy everyone on zoo.secured is 'a policy';

-- foreign data
create foreign data wrapper zoo_dummy options (debug 'true', "Odd ü" 'it''s');
create foreign data wrapper zoo_no_handler;
create server zoo_server type 'kind' version '1.0' foreign data wrapper postgres_fdw options (host 'localhost', dbname 'it''s', port '5433');
create server "Zoo Server" foreign data wrapper zoo_dummy;
create user mapping for zoo_reader server zoo_server options (user 'remote', password 'not; a ''secret''');
create user mapping for public server zoo_server;
create foreign table zoo.remote (id integer options (column_name 'the "id"') not null, t text default 'x', check (id > 0)) server zoo_server options (schema_name 'public', table_name 'odd;name');
create foreign table zoo.remote_child () inherits (zoo.parent_b) server zoo_server;
alter foreign data wrapper zoo_dummy owner to zoo_super;
grant usage on foreign data wrapper zoo_dummy to zoo_reader with grant option;
grant usage on foreign server zoo_server to zoo_writer;
alter server zoo_server owner to zoo_owner;
grant select on zoo.remote to zoo_reader;
comment on foreign data wrapper zoo_dummy is 'a wrapper';
comment on server zoo_server is 'a server';
comment on foreign table zoo.remote is 'a foreign table';
comment on column zoo.remote.id is 'a foreign column';
-- next

-- publications
create publication zoo_all for all tables with (publish = 'insert, update');
create publication zoo_some for table zoo.tree, zoo.circle_a, "Odd Schema.ü".日本語;
create publication "Zoo Empty";
comment on publication zoo_some is 'a publication';
alter publication zoo_some owner to zoo_owner;

-- replica identities
alter table zoo.tree replica identity full;
alter table zoo.circle_a replica identity nothing;
create table zoo.identity_index (a integer not null, b text not null);
create unique index identity_index_key on zoo.identity_index (b, a);
alter table zoo.identity_index replica identity using index identity_index_key;

-- ownership and privileges, also granted by others than the owner
alter table zoo.circle_a owner to zoo_owner;
alter table zoo.tree owner to zoo_owner;
set role zoo_owner;
grant select, insert on zoo.tree to zoo_reader with grant option;
set role zoo_reader;
grant select on zoo.tree to zoo_writer;
reset role;
revoke all on zoo.circle_a from zoo_owner;
grant all on zoo.circle_b to public;
grant all on zoo.options to zoo_owner with grant option;
grant select (id), insert (id, b_id), references (id) on zoo.circle_a to zoo_reader with grant option;
alter default privileges for role zoo_owner in schema zoo grant select on tables to zoo_reader;
alter default privileges for role zoo_owner in schema zoo grant all on tables to zoo_writer with grant option;
alter default privileges for role zoo_owner revoke execute on functions from public;
alter default privileges for role zoo_owner revoke usage on types from public;
alter default privileges for role zoo_owner in schema "Odd Schema.ü" grant usage, update on sequences to zoo_reader;
alter default privileges for role zoo_owner grant usage on schemas to zoo_reader;

-- large objects
select lo_from_bytea(4000000001, decode(repeat('00ff5c', 3000), 'hex'));
select lo_from_bytea(4000000002, '');
select lo_from_bytea(4000000003, convert_to(repeat('large object ', 60000), 'UTF8'));
alter large object 4000000001 owner to zoo_owner;
grant select on large object 4000000001 to zoo_reader;
comment on large object 4000000002 is 'an empty one';
create table zoo.documents (id integer, body oid);
insert into zoo.documents values (1, 4000000001), (2, 4000000003);

-- sizes that are worth a second look: some rows, wide rows, dead rows
create table zoo.thousands (id bigint primary key, t text, n numeric(12, 2), at timestamptz, j jsonb);
insert into zoo.thousands select i, md5(i::text), i * 1.37, '2000-01-01'::timestamptz + i * interval '1 hour', jsonb_build_object('i', i, 'half', i / 2.0) from generate_series(-2000, 4000) i;
delete from zoo.thousands where id % 7 = 0;
update zoo.thousands set t = 'updated' where id % 11 = 0;
