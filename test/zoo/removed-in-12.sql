-- What PostgreSQL 12 took away: types abstime, reltime and tinterval, and tables WITH OIDS.
create table zoo.old_times (a abstime, r reltime, t tinterval);
create table zoo.with_oids (a integer) with oids;
create table zoo.old_arrays (a abstime[]);
create function zoo.takes_abstime(abstime) returns integer language sql as 'select 1';
create domain zoo.old_domain as reltime;
create view zoo.shows_oids as select oid, a from zoo.with_oids;
