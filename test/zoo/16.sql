-- Added by PostgreSQL 16: ICU rules, SQL/JSON constructors, any_value …
create collation zoo.with_rules (provider = icu, locale = 'und', rules = '&V << w <<< W');
create view zoo.json_constructors as select json_object('a' : 1, 'b' : 'x' absent on null with unique keys) as o, json_array(1, 2 null on null returning jsonb) as a, json_arrayagg(id order by id) as agg, json_objectagg(id : t) as oagg from zoo.mat_base;
create view zoo.is_json as select '{}' is json object with unique keys as o;
create view zoo.any_values as select any_value(id) as a from zoo.indexed;
create table zoo.types_16 (id integer, n integer default 0x1F + 1_000);
create view zoo.system_users as select system_user as u;
