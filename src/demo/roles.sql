-- The people and programs that use the shop. Passwords are set by the demo, to something nobody knows.
create role shop_owner nologin;
create role shop_read nologin;
create role shop_write nologin;
create role support nologin;
grant shop_read to shop_write;
grant shop_read to support;
create role webshop login connection limit 50 in role shop_write;
create role analyst login in role shop_read valid until '2030-01-01';
create role "anna.keller" login in role support;
alter role webshop set statement_timeout = '30s';
alter role analyst set default_transaction_read_only = on;
comment on role shop_owner is 'Owns every object of the shop; nobody logs in as this';
comment on role webshop is 'The web shop itself';
