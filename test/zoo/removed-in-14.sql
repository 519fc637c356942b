-- What PostgreSQL 14 took away: postfix operators, and array functions over anyarray (now anycompatiblearray).
create function zoo.factorial(integer) returns integer language sql immutable as 'select $1';
create operator zoo.!! (leftarg = integer, procedure = zoo.factorial);
create aggregate zoo.array_accumulate(anyelement) (sfunc = array_append, stype = anyarray, initcond = '{}');
create aggregate zoo.array_concatenate(anyarray) (sfunc = array_cat, stype = anyarray, initcond = '{}');
create aggregate zoo."Typed Append"(integer) (sfunc = array_append, stype = integer[], initcond = '{}');
create operator zoo.|+ (leftarg = anyarray, rightarg = anyelement, procedure = array_append);
create view zoo.postfix as select 5 operator(zoo.!!) as f;
