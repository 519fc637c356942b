-- A small web shop with some years behind it. Everything is made from numbers by hashing, so each run makes the same
-- rows. godwit.scale multiplies the large tables. The demo shows each "-- ##" title while that part runs.

-- ## words to write with
set search_path = '';

-- 0 ≤ x < 1, the same for the same i and salt (hashint8extended: PostgreSQL ≥ 11).
create function pg_temp.chance(i bigint, salt int) returns float8 language sql immutable parallel safe as
$$ select (pg_catalog.hashint8extended(i, salt) & 9007199254740991)::float8 / 9007199254740992 $$;

create function pg_temp.pick(words text[], i bigint, salt int) returns text language sql immutable parallel safe as
$$ select words[1 + pg_catalog.floor(pg_temp.chance(i, salt) * pg_catalog.cardinality(words))::int] $$;

create function pg_temp.scaled(base int) returns int language sql stable as
$$ select pg_catalog.ceil(base * pg_catalog.current_setting('godwit.scale')::numeric)::int $$;

create function pg_temp.first_name(i bigint) returns text language sql immutable as
$$ select pg_temp.pick('{Anna,Ben,Chiara,David,Elif,Felix,Greta,Hugo,Ines,Jonas,Katja,Lena,Mateo,Nora,Oskar,Paula,Quentin,Rosa,Samir,Tilda,Umut,Vera,Wanda,Xaver,Yara,Zoë,Léa,Björn,Małgorzata,José,Siobhán,Dmitri,Ayşe,Noël,Ming,Yuki,Priya,Omar}', i, 1) $$;

create function pg_temp.last_name(i bigint) returns text language sql immutable as
$$ select pg_temp.pick('{Keller,Schmidt,Rossi,García,Novák,Kowalska,Dubois,Jensen,Lindqvist,Müller,Okafor,Yılmaz,Silva,O''Brien,Petrov,Haas,Moreau,Bakker,Virtanen,Costa,Horváth,Weber,Tanaka,Chen,Singh,Nowak,Andersson,Martin,Ferrari,Popescu,Kaya,Berg,Fischer,Vogel,Lefèvre,Janssen}', i, 2) $$;

create function pg_temp.sentence(i bigint) returns text language sql immutable as
$$ select pg_temp.pick('{The lining,This jacket,The zip,A second pair,The strap,Our hiking group,The blue one,The parcel,The sole,My sister,The tent,Everything}', i, 11)
  || ' ' || pg_temp.pick('{held up well,arrived a day early,was smaller than expected,kept the rain out,made us smile,needed some care,fits like a glove,was worth the wait,lasted the whole summer,looks better than on the picture,broke after a week,came in perfect shape}', i, 12)
  || ' ' || pg_temp.pick('{on the first evening,in the mountains,near the coast,after three washes,in heavy wind,on the way to Lisbon,at minus ten degrees,for the whole family,during the long weekend,under the old pine trees,between two storms,every single day}', i, 13)
  || pg_temp.pick('{.,.,.,!,"; more of that, please.",". Would buy again."}', i, 14) $$;

-- ## types, domains and schemas
create extension pg_trgm with schema public;
create extension btree_gist with schema public;
create schema shop authorization shop_owner;
create schema content authorization shop_owner;
create schema reporting authorization shop_owner;
create schema audit authorization shop_owner;
comment on schema shop is 'Customers, products, orders, stock, invoices';
comment on schema audit is 'Who changed what; written by triggers only';
grant usage on schema shop, content, reporting to shop_read;
alter default privileges for role shop_owner in schema shop, content, reporting grant select on tables to shop_read;
alter default privileges for role shop_owner in schema shop, content grant insert, update, delete on tables to shop_write;
alter default privileges for role shop_owner in schema shop grant usage on sequences to shop_write;
set role shop_owner;

create type shop.order_status as enum ('new', 'paid', 'packed', 'shipped', 'returned', 'cancelled');
create type shop.tier as enum ('bronze', 'silver', 'gold');
create type shop.address as (street text, postcode text, city text, country char(2));
create type shop.price_range as range (subtype = numeric);
create domain shop.email as text check (value ~ '^[^@\s]+@[^@\s]+\.[a-z]+$');
create domain shop.amount as numeric(12, 2) check (value >= 0);
comment on type shop.tier is 'Set by shop.review_tier once a month';

-- ## customers
create table shop.customers (
  id bigint generated always as identity primary key,
  name text not null,
  email shop.email not null,
  tier shop.tier not null default 'bronze',
  home shop.address,
  phone text,
  birthday date,
  newsletter boolean not null default false,
  tags text[] not null default '{}',
  credit shop.amount not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null default now()
);
insert into shop.customers (name, email, tier, home, phone, birthday, newsletter, tags, credit, created_at, updated_at)
select first || ' ' || last,
  lower(translate(first || '.' || last, 'ëéöłáşíóğçüıèŞ'' ', 'eeolasiogcuies')) || i || '@example.' || pg_temp.pick('{com,org,net}', i, 20),
  (case when pg_temp.chance(i, 21) < 0.8 then 'bronze' when pg_temp.chance(i, 21) < 0.96 then 'silver' else 'gold' end)::shop.tier,
  case when pg_temp.chance(i, 22) < 0.03 then null else row(
    (array['Lindenallee', 'Rue du Port', 'Via Roma', 'Harbour Road', 'Calle Mayor', 'Storgatan', 'Kerkstraat', 'Długa'])[1 + place] || ' ' || (1 + pg_temp.chance(i, 24) * 180)::int,
    lpad(((pg_temp.chance(i, 25) * 89999)::int + 10000)::text, 5, '0'),
    (array['Berlin', 'Lyon', 'Torino', 'Cork', 'Sevilla', 'Malmö', 'Utrecht', 'Gdańsk'])[1 + place],
    (array['DE', 'FR', 'IT', 'IE', 'ES', 'SE', 'NL', 'PL'])[1 + place])::shop.address end,
  case when pg_temp.chance(i, 27) < 0.6 then '+' || (array[49, 33, 39, 353, 34, 46, 31, 48])[1 + place] || ' ' || (1000000 + pg_temp.chance(i, 28) * 8999999)::int end,
  case when pg_temp.chance(i, 29) < 0.7 then date '1945-01-01' + (pg_temp.chance(i, 30) * 22000)::int end,
  pg_temp.chance(i, 31) < 0.4,
  case when pg_temp.chance(i, 32) < 0.2 then array[pg_temp.pick('{wholesale,vip,"school, club",friends & family}', i, 33)] else '{}' end,
  case when pg_temp.chance(i, 34) < 0.1 then round((pg_temp.chance(i, 35) * 90)::numeric, 2) else 0 end,
  timestamptz '2019-03-01 08:00+00' + pg_temp.chance(i, 36) * interval '2100 days', timestamptz '2025-01-01 00:00+00' + pg_temp.chance(i, 37) * interval '360 days'
from (
  select i, pg_temp.first_name(i) as first, pg_temp.last_name(i) as last, floor(pg_temp.chance(i, 26) * 8)::int as place
  from generate_series(1, pg_temp.scaled(40000)) as i
) as people;
comment on table shop.customers is 'Everybody who ever ordered, or asked for the newsletter';
comment on column shop.customers.credit is 'From returns; in EUR';

-- ## products and stock
create table shop.categories (
  id int generated by default as identity (start with 10 increment by 10) primary key,
  parent_id int references shop.categories,
  name text not null,
  unique (parent_id, name)
);
insert into shop.categories (name) values ('Clothing'), ('Camping'), ('Climbing'), ('Cycling'), ('Water');
insert into shop.categories (parent_id, name)
select parent.id, part.name
from shop.categories as parent, unnest(array['Men', 'Women', 'Children', 'Spare parts', 'Sale %', 'Second "life"']) as part (name);

create sequence shop.product_codes start with 100003 increment by 7 minvalue 100003 maxvalue 9999999 cache 5;
create table shop.products (
  id int generated always as identity primary key,
  code int not null default nextval('shop.product_codes') unique,
  category_id int not null references shop.categories,
  name text not null,
  price shop.amount not null check (price > 0),
  competitors shop.price_range,
  weight_kg real,
  attributes jsonb not null default '{}',
  active boolean not null default true
);
alter sequence shop.product_codes owned by shop.products.code;
insert into shop.products (category_id, name, price, competitors, weight_kg, attributes, active)
select 60 + 10 * floor(pg_temp.chance(i, 40) * 30)::int,
  pg_temp.pick('{Storm,Fjord,Summit,Meadow,Harbour,Glacier,Ember,Pine,Dune,Aurora}', i, 41) || ' '
    || pg_temp.pick('{jacket,tent,backpack,rope,helmet,paddle,sleeping bag,stove,lamp,gloves,boots,bottle}', i, 42) || ' ' || (10 + i % 90),
  price, shop.price_range(round(price * 0.9, 2), round(price * 1.2, 2), '[]'),
  (pg_temp.chance(i, 43) * 4)::real,
  jsonb_build_object('colour', pg_temp.pick('{blue,moss,rust,black,"off-white",sand}', i, 44), 'sizes', to_jsonb(array['S', 'M', 'L', 'XL']),
    'care', jsonb_build_object('wash', 30 + 10 * (i % 3), 'iron', i % 4 = 0), 'note', pg_temp.sentence(i)),
  pg_temp.chance(i, 45) < 0.93
from (select i, round((9 + pg_temp.chance(i, 46) * 390)::numeric, 2) as price from generate_series(1, 3000) as i) as goods;

create table shop.warehouses (code char(3) primary key, place text not null, location point);
insert into shop.warehouses values ('BER', 'Berlin-Spandau', point(13.2, 52.53)), ('LYS', 'Lyon Est', point(4.98, 45.73)), ('GOT', 'Göteborg hamn', point(11.9, 57.7));
create table shop.stock (
  warehouse char(3) references shop.warehouses,
  product_id int references shop.products on delete cascade,
  quantity int not null check (quantity >= 0),
  counted_at timestamp not null,
  primary key (warehouse, product_id)
) with (fillfactor = 80);
insert into shop.stock
select w.code, p.id, (pg_temp.chance(p.id, ascii(w.code)) * 400)::int, timestamp '2025-11-01 06:00' + pg_temp.chance(p.id, 48) * interval '30 days'
from shop.warehouses as w, shop.products as p;

create table shop.promotions (
  id int generated always as identity primary key,
  product_id int not null references shop.products,
  discount numeric(4, 3) not null,
  period daterange not null,
  constraint one_promotion_at_a_time exclude using gist (product_id with operator(pg_catalog.=), period with operator(pg_catalog.&&))
);
insert into shop.promotions (product_id, discount, period)
select 1 + i * 7, 0.05 + 0.05 * (i % 5), daterange(date '2025-02-01' + i, date '2025-02-15' + i) from generate_series(1, 200) as i;

-- ## orders, one partition a month
create sequence shop.order_numbers start with 500000 increment by 2;
create table shop.orders (
  id bigint not null default nextval('shop.order_numbers'),
  customer_id bigint not null references shop.customers,
  status shop.order_status not null,
  channel text not null default 'web',
  ship_to shop.address,
  note text,
  ordered_at timestamptz not null,
  primary key (id, ordered_at)
) partition by range (ordered_at);
alter sequence shop.order_numbers owned by shop.orders.id;
do $$
begin
  for month in 1..12 loop
    execute format('create table shop.orders_2025_%s partition of shop.orders for values from (%L) to (%L)', lpad(month::text, 2, '0'),
      make_timestamptz(2025, month, 1, 0, 0, 0, 'UTC'), make_timestamptz(2025, month, 1, 0, 0, 0, 'UTC') + interval '1 month');
  end loop;
end $$;
create table shop.orders_other partition of shop.orders default;
insert into shop.orders (customer_id, status, channel, ship_to, note, ordered_at)
select customer_id, (case when pg_temp.chance(i, 50) < 0.86 then 'shipped' else pg_temp.pick('{new,paid,packed,returned,cancelled}', i, 51) end)::shop.order_status,
  pg_temp.pick('{web,web,web,app,phone,shop}', i, 52), case when pg_temp.chance(i, 53) < 0.2 then row('Poste restante', '1000', 'Bruxelles', 'BE')::shop.address end,
  case when pg_temp.chance(i, 54) < 0.08 then pg_temp.pick(array['Please ring twice', E'Leave it with the neighbour\non the left', 'Gift: no invoice', '"\N" is on the label', E'Name:\tHaas'], i, 55) end,
  -- a few old ones too, which land in the default partition
  timestamptz '2025-01-01 00:00+00' + (i::float8 / pg_temp.scaled(90000) - 0.002) * interval '340 days'
from (select i, 1 + floor(pg_temp.chance(i, 56) * pg_temp.scaled(40000))::bigint as customer_id from generate_series(1, pg_temp.scaled(90000)) as i) as basket;

-- ## order lines
create table shop.order_lines (
  order_id bigint not null,
  ordered_at timestamptz not null,
  line smallint not null,
  product_id int not null,
  quantity int not null,
  unit_price shop.amount not null,
  total numeric(14, 2) generated always as (quantity * unit_price) stored
);
insert into shop.order_lines (order_id, ordered_at, line, product_id, quantity, unit_price)
select o.id, o.ordered_at, line, p.id, 1 + floor(pg_temp.chance(o.id, 60 + line) * 3)::int, p.price
from shop.orders as o
cross join lateral generate_series(1, 1 + floor(pg_temp.chance(o.id, 57) * 4)::int) as line
join shop.products as p on p.id = 1 + floor(pg_temp.chance(o.id * 10 + line, 58) * 3000)::int;

-- ## invoices
create sequence shop.invoice_numbers start with 20250001;
create table shop.invoices (
  number bigint primary key default nextval('shop.invoice_numbers'),
  order_id bigint not null,
  ordered_at timestamptz not null,
  net shop.amount not null,
  vat_rate numeric(4, 2) not null,
  vat numeric(12, 2) generated always as (round(net * vat_rate / 100, 2)) stored,
  due date not null,
  paid_at timestamptz,
  reference uuid not null
);
insert into shop.invoices (order_id, ordered_at, net, vat_rate, due, paid_at, reference)
select order_id, ordered_at, sum(total), (array[19, 7, 20, 21])[1 + order_id % 4], ordered_at::date + 14,
  case when pg_temp.chance(order_id, 70) < 0.94 then ordered_at + pg_temp.chance(order_id, 71) * interval '20 days' end, md5('invoice ' || order_id)::uuid
from shop.order_lines where order_id % 8 <> 0 group by order_id, ordered_at order by order_id;

-- ## events as jsonb
create table shop.events (
  id bigint generated by default as identity primary key,
  at timestamptz not null,
  visitor inet,
  kind text not null,
  payload jsonb not null
);
insert into shop.events (at, visitor, kind, payload)
select timestamptz '2025-09-01 00:00+00' + i * interval '2 minutes', ('10.' || i % 250 || '.' || i / 250 % 250 || '.7')::inet, kind,
  jsonb_build_object('kind', kind, 'page', '/' || pg_temp.pick('{jackets,tents,sale,help,"blog/2025/first snow",cart}', i, 81), 'ms', (pg_temp.chance(i, 82) * 900)::int,
    'customer', 1 + floor(pg_temp.chance(i, 83) * 40000), 'tags', jsonb_build_array(pg_temp.pick('{mobile,desktop,tablet}', i, 84), pg_temp.pick('{de,fr,en,sv,pl}', i, 85)),
    'utm', case when i % 5 = 0 then jsonb_build_object('campaign', 'spring-' || i % 12, 'medium', pg_temp.pick('{mail,social,search}', i, 86)) else 'null'::jsonb end)
from (select i, pg_temp.pick('{view,view,view,search,add-to-cart,checkout,login}', i, 80) as kind from generate_series(1, pg_temp.scaled(60000)) as i) as clicks;
create unlogged table shop.carts (session uuid primary key, customer_id bigint, items jsonb not null, touched_at timestamptz not null);
insert into shop.carts
select md5('cart ' || i)::uuid, i * 3, jsonb_build_array(jsonb_build_object('product', i, 'n', 1 + i % 3)), timestamptz '2025-12-01 12:00+00' + i * interval '9 seconds'
from generate_series(1, 2000) as i;

-- ## documents and reviews
create text search configuration content.shop_english (copy = pg_catalog.english);
create table content.documents (
  id int generated always as identity primary key,
  title text not null,
  author text not null,
  body text not null,
  published daterange,
  search tsvector generated always as (to_tsvector('content.shop_english', title || ' ' || left(body, 4000))) stored
);
insert into content.documents (title, author, body, published)
select pg_temp.pick('{How to care for,A short history of,What we learnt about,Ten questions on}', i, 90) || ' ' || pg_temp.pick('{wool,ropes,rain,tents,boots,frost}', i, 91) || ', part ' || i,
  pg_temp.first_name(i + 7) || ' ' || pg_temp.last_name(i + 9),
  (select string_agg(pg_temp.sentence(i * 1000 + n), ' ' order by n) from generate_series(1, 120 + (pg_temp.chance(i, 92) * 240)::int) as n),
  daterange(date '2021-01-01' + i::int, case when i % 9 = 0 then date '2024-12-31' + i::int end)
from generate_series(1::bigint, pg_temp.scaled(400)) as i;

create table content.reviews (
  id bigint generated always as identity primary key,
  product_id int not null references shop.products,
  customer_id bigint,
  stars smallint not null check (stars between 1 and 5),
  words text,
  written_at timestamptz not null
);
insert into content.reviews (product_id, customer_id, stars, words, written_at)
select 1 + floor(pg_temp.chance(i, 95) * 3000)::int,
  -- some of the writers were deleted long ago: the reason why the key below is NOT VALID
  case when i % 400 = 0 then 900000000 + i else 1 + floor(pg_temp.chance(i, 96) * pg_temp.scaled(40000)) end,
  1 + floor(sqrt(pg_temp.chance(i, 97)) * 5)::int, pg_temp.sentence(i) || ' ' || pg_temp.sentence(i + 50000), timestamptz '2023-01-01 00:00+00' + i * interval '2 hours'
from generate_series(1::bigint, pg_temp.scaled(9000)) as i;
alter table content.reviews add constraint reviews_customer foreign key (customer_id) references shop.customers not valid;

create table content.support_notes (id int generated always as identity primary key, customer_id bigint references shop.customers, author name not null, note text not null);
insert into content.support_notes (customer_id, author, note)
select i * 11, case when i % 3 = 0 then 'anna.keller' else 'webshop' end, pg_temp.sentence(i + 7000) from generate_series(1, 1500) as i where i * 11 <= pg_temp.scaled(40000);
alter table content.support_notes enable row level security;
create policy own_notes on content.support_notes to support using (author = current_user) with check (author = current_user);
create policy shop_reads_all on content.support_notes for select to shop_write using (true);

create table content.photos (product_id int primary key references shop.products, image oid not null, taken date);
insert into content.photos
select i, lo_from_bytea(0, (select string_agg(decode(md5(i || ':' || n), 'hex'), ''::bytea order by n) from generate_series(1, 3000) as n)), date '2024-05-01' + i
from generate_series(1, 12) as i;

-- ## indexes and keys
create unique index customers_email on shop.customers (lower(email));
create index customers_city on shop.customers (((home).city), ((home).country));
create index customers_tags on shop.customers using gin (tags);
create index customers_gold on shop.customers (created_at) where tier = 'gold';
create index products_name on shop.products using gin (name public.gin_trgm_ops);
create index products_category on shop.products (category_id) include (name, price);
create index orders_customer on shop.orders (customer_id);
create index orders_open on shop.orders (ordered_at) where status in ('new', 'paid', 'packed');
alter table shop.order_lines add primary key (order_id, line);
create index order_lines_product on shop.order_lines (product_id);
alter table shop.order_lines add constraint order_lines_order foreign key (order_id, ordered_at) references shop.orders on delete cascade;
alter table shop.order_lines add constraint order_lines_product foreign key (product_id) references shop.products deferrable initially deferred;
create index invoices_unpaid on shop.invoices (due) where paid_at is null;
alter table shop.invoices add constraint invoices_order foreign key (order_id, ordered_at) references shop.orders;
create index events_payload on shop.events using gin (payload jsonb_path_ops);
create index events_at on shop.events using brin (at);
create index documents_search on content.documents using gin (search);
create index reviews_product on content.reviews (product_id, stars desc nulls last);
alter table shop.invoices cluster on invoices_pkey;
create statistics shop.orders_channel_status (dependencies, mcv) on channel, status from shop.orders;
alter table shop.customers alter column email set statistics 300;

-- ## functions, triggers and views
create function audit.touch() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end $$;
create table audit.changes (id bigint generated always as identity primary key, at timestamptz not null default now(), who name not null default current_user, what text not null, before jsonb, after jsonb);
create function audit.log_change() returns trigger language plpgsql security definer set search_path = audit, pg_temp as $$
begin
  insert into audit.changes (what, before, after) values (tg_table_schema || '.' || tg_table_name, to_jsonb(old), to_jsonb(new));
  return null;
end $$;
create trigger touch before update on shop.customers for each row when (old.* is distinct from new.*) execute function audit.touch();
create trigger log_price after update of price on shop.products for each row execute function audit.log_change();
update shop.products set price = price + 1 where id % 10 = 0;
update audit.changes set at = timestamptz '2025-12-01 03:00+00'; -- the same in every run
create rule changes_stay as on delete to audit.changes do instead nothing;

create function shop.order_total(the_order bigint) returns numeric language sql stable
  begin atomic
    select sum(total) from shop.order_lines where order_id = the_order;
  end;
create function shop.discount_of(customer shop.customers) returns numeric language plpgsql stable as $$
begin
  return case customer.tier when 'gold' then 0.10 when 'silver' then 0.05 else 0 end;
end $$;
create procedure shop.review_tier(since date default '2025-01-01') language plpgsql as $$
begin
  update shop.customers as c set tier = 'silver'
  where tier = 'bronze' and (select count(*) from shop.orders as o where o.customer_id = c.id and o.ordered_at >= since) >= 10;
end $$;
create function shop.longer(a text, b text) returns text language sql immutable as $$ select case when length(b) > length(a) then b else a end $$;
create aggregate shop.longest (text) (sfunc = shop.longer, stype = text, initcond = '');
comment on function shop.order_total (bigint) is 'Gross, in EUR';

create view reporting.order_totals as
select o.id, o.ordered_at, o.status, c.name as customer, (c.home).country, sum(l.total) as total
from shop.orders as o join shop.customers as c on c.id = o.customer_id join shop.order_lines as l on l.order_id = o.id
group by o.id, o.ordered_at, o.status, c.name, c.home;
create view reporting.open_orders with (security_barrier) as select * from shop.orders where status in ('new', 'paid', 'packed') with local check option;
create recursive view reporting.category_paths (id, path) as
  select id, name from shop.categories where parent_id is null
  union all
  select c.id, p.path || ' › ' || c.name from shop.categories as c join category_paths as p on p.id = c.parent_id;
create materialized view reporting.monthly_revenue as
select date_trunc('month', ordered_at at time zone 'UTC')::date as month, count(distinct order_id) as orders, sum(total) as revenue from shop.order_lines group by 1;
create unique index monthly_revenue_month on reporting.monthly_revenue (month);
create materialized view reporting.best_months as select month, revenue, rank() over (order by revenue desc) from reporting.monthly_revenue where orders > 100;
grant execute on function shop.order_total (bigint) to shop_read;
grant insert (customer_id, note), select on content.support_notes to support;
revoke all on procedure shop.review_tier (date) from public;
comment on materialized view reporting.monthly_revenue is 'Refreshed every night';
reset role;
alter database shop set default_text_search_config = 'content.shop_english';
revoke connect on database shop from public;
grant connect on database shop to shop_read, support;
comment on database shop is 'The sample shop of godwit demo';

-- ## planner statistics
analyze;
