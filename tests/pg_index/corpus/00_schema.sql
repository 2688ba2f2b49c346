-- What the indexes of the corpus are built on. Statements begin at the margin and go on indented; `-- needs` speaks of
-- all statements up to the next empty line.

-- needs hstore
create extension hstore;

-- needs ltree
create extension ltree;

-- needs citext
create extension citext;

-- needs pg_trgm
create extension pg_trgm;

-- needs btree_gin
create extension btree_gin;

-- needs btree_gist
create extension btree_gist;

-- needs intarray
create schema ia;
create extension intarray schema ia;

-- needs cube
create extension cube;

-- needs seg
create extension seg;

-- needs isn
create extension isn;

-- needs bloom
create extension bloom;

create schema app;
create schema "Odd.Schema";
create schema "select";
create schema coll;
create type public.mood as enum ('sad', 'ok', 'it''s fine', 'ΩMEGA');
create type app.mood as enum ('up', 'down');
create type app."Odd Type" as enum ('a', 'B b');
create domain public.email as text check (value like '%@%');
create domain app.posint as int check (value > 0);
create domain app.tags as text[];
create type public.money_amount as (amount numeric(12, 2), currency char(3));
create type app.addr as (street text, "Zip Code" text, at point);
create type app.float_range as range (subtype = float8, subtype_diff = float8mi);
create collation coll."C copy" from "C";
create collation app.same from "C";
create collation coll.same from "POSIX";

-- needs icu
create collation coll.de_icu (provider = icu, locale = 'de-u-co-phonebk');
create collation coll.ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create collation public.numeric_order (provider = icu, locale = 'en-u-kn-true');

create function app.lower(text) returns text language sql immutable as $$ select pg_catalog.lower($1) || '!' $$;
create function public.lower(public.mood) returns text language sql immutable as $$ select 'x'::text $$;
create function app.slug(title text, sep text default '-', max_len int default 80) returns text language sql immutable
    as $$ select left(pg_catalog.replace(title, ' ', sep), max_len) $$;
create function app.join_all(variadic parts text[]) returns text language sql immutable as $$ select parts[1] $$;
create function app."Mixed Case"(int) returns int language sql immutable as $$ select $1 $$;
create function public.norm(text) returns text language sql immutable strict parallel safe as $$ select upper($1) $$;
create function app.any_kind(anyelement) returns int language sql immutable as $$ select 1 $$;
create function app.no_args() returns int language sql immutable as $$ select 42 $$;
create function app.two_texts(a text, b text) returns text language plpgsql immutable as $$ begin return a || b; end $$;
create function app.add_em(text, text) returns text language sql immutable as $$ select $1 || '~' || $2 $$;
create operator app.~~~ (leftarg = text, rightarg = text, function = app.add_em);
create operator public.<#> (leftarg = text, rightarg = text, function = app.add_em);
create function app.neg_text(text) returns text language sql immutable as $$ select '-' || $1 $$;
create operator app.!- (rightarg = text, function = app.neg_text);
create function app.cmp_len(text, text) returns int language sql immutable as $$ select length($1) - length($2) $$;
create function app.len_lt(text, text) returns bool language sql immutable as $$ select length($1) < length($2) $$;
create function app.len_le(text, text) returns bool language sql immutable as $$ select length($1) <= length($2) $$;
create function app.len_eq(text, text) returns bool language sql immutable as $$ select length($1) = length($2) $$;
create function app.len_ge(text, text) returns bool language sql immutable as $$ select length($1) >= length($2) $$;
create function app.len_gt(text, text) returns bool language sql immutable as $$ select length($1) > length($2) $$;
create operator app.<! (leftarg = text, rightarg = text, function = app.len_lt);
create operator app.<=! (leftarg = text, rightarg = text, function = app.len_le);
create operator app.=! (leftarg = text, rightarg = text, function = app.len_eq);
create operator app.>=! (leftarg = text, rightarg = text, function = app.len_ge);
create operator app.>! (leftarg = text, rightarg = text, function = app.len_gt);
create operator class app.by_length for type text using btree as
    operator 1 app.<!, operator 2 app.<=!, operator 3 app.=!, operator 4 app.>=!, operator 5 app.>!,
    function 1 app.cmp_len(text, text);
create operator class app.text_ops for type text using btree as
    operator 1 app.<!, operator 2 app.<=!, operator 3 app.=!, operator 4 app.>=!, operator 5 app.>!,
    function 1 app.cmp_len(text, text);

create table public.tasks (
    id bigint generated always as identity primary key, dropped_one int, status varchar(20) not null default 'new',
    title text, body text, priority int, small smallint, big bigint, score numeric(10, 2), ratio float8, weight real,
    created_at timestamptz not null default '2024-01-01', seen timestamp, due date, at_time time, at_timetz timetz,
    span interval, meta jsonb, doc json, tags text[], matrix int[][], nums int[], mood mood, other_mood app.mood,
    odd app."Odd Type", mail email, pos app.posint, labels app.tags, done boolean, code char(3), sys "char", nm name,
    payload bytea, uid uuid, price money, bits bit(8), vbits varbit(16), ip inet, net cidr, mac macaddr, mac8 macaddr8,
    search tsvector, q tsquery, amount money_amount, address app.addr, addresses app.addr[], obj oid, cls regclass,
    lsn pg_lsn, snap txid_snapshot, "mixedCase" text, "select" text, "with space" text, "dot.ted" text, "quo""te" text,
    "pct%s" text, "dollar$" text, "{brace}" text, "ünï" text, "UPPER" int, "123" int, user_id bigint,
    full_title text generated always as (coalesce(title, '') || ' ' || coalesce(body, '')) stored
);
alter table public.tasks drop column dropped_one;
create table public.shapes (
    id int, p point, b box, c circle, l line, ls lseg, pa path, po polygon,
    ir int4range, br int8range, nr numrange, tr tsrange, tz tstzrange, dr daterange, fr app.float_range,
    unique (id)
);

-- needs 14
alter table public.shapes add column im int4multirange, add column tm tstzmultirange, add column dm datemultirange;

-- needs xml
alter table public.tasks add column x xml;

create table public.texts (
    id int, plain text, c text collate "C", posix varchar(40) collate "POSIX", copied text collate coll."C copy",
    same_app text collate app.same, same_coll text collate coll.same, arr text[] collate "C"
);

-- needs icu
alter table public.texts add column de text collate coll.de_icu, add column ci text collate coll.ignore_case,
    add column nat text collate numeric_order;

-- needs hstore
create table public.with_hstore (id int, h hstore);

-- needs ltree
create table public.with_ltree (id int, path ltree, paths ltree[]);

-- needs citext
create table public.with_citext (id int, name citext, names citext[]);

-- needs cube
create table public.with_cube (id int, c cube);

-- needs seg
create table public.with_seg (id int, s seg);

-- needs isn
create table public.with_isn (id int, book isbn13, ean ean13, issn issn);

create unlogged table app.sessions (id uuid primary key, user_id bigint, token text, last_seen timestamptz, data jsonb);
create table app."Mixed Table" ("Id" int, "Name" text, name text);
create table "Odd.Schema"."Odd.Table" ("a.b" int, "c""d" text);
create table "Odd.Schema"."quo""te" (a int, b text);
create table "select"."table" ("order" int, "group" text, "user" text);
create table public."ünïcödé 表" ("größe" int, "名前" text);
create table public." leading and trailing " (" a " int);
create table public."per%cent $dollar ${HOME} {x}" ("%s" int, "${A}" text);
create table public."yes" ("null" int, "~" int, "true" text);
create table public."a_name_of_sixty_three_bytes_is_the_longest_that_postgresql_take"
    ("a_column_of_sixty_three_bytes_is_the_longest_that_postgres_take" int);
create table public."""quoted""" (a int, """b""" int);
create table public."it's" (a int, "it's" text);
create table public."back\slash" (a int, "b\c" text);
create table public."-- comment" (a int, "/* x */" text);
create table public."semi;colon" (a int, "b;c" text);

create materialized view public.task_counts as select status, priority, count(*) as n from public.tasks group by 1, 2;
create materialized view app."Day View" as select created_at::date as "Day", count(*) as n from public.tasks group by 1;
create table public.parent (id int, kind text, at timestamptz);
create table public.child (extra text) inherits (public.parent);
create table public.referenced (a int not null, b text not null, c int);
create table public.identified (a int not null, b int not null, c text);
create table public.constrained (
    id int primary key, email text unique, a int, b int, during tsrange, unique (a, b) include (email),
    exclude using gist (during with &&)
);
create table public.few (id int, doc jsonb);
create table public.wide (
    c01 int, c02 int, c03 int, c04 int, c05 int, c06 int, c07 int, c08 int, c09 int, c10 int, c11 int, c12 int,
    c13 int, c14 int, c15 int, c16 int, c17 int, c18 int, c19 int, c20 int, c21 int, c22 int, c23 int, c24 int,
    c25 int, c26 int, c27 int, c28 int, c29 int, c30 int, c31 int, c32 int
);

create table public.events (id bigint, kind text, at timestamptz not null, data jsonb, gone int) partition by range (at);
create table public.events_2024 partition of public.events for values from ('2024-01-01') to ('2025-01-01');
create table public.events_2025 partition of public.events for values from ('2025-01-01') to ('2026-01-01')
    partition by list (kind);
create table public.events_2025_a partition of public.events_2025 for values in ('a');
create table public.events_2025_rest partition of public.events_2025 default;
create table app."Events Other" (data jsonb, dead text, at timestamptz not null, kind text, id bigint, gone int);
alter table app."Events Other" drop column dead;
alter table public.events attach partition app."Events Other" for values from ('2026-01-01') to ('2027-01-01');
create table public.events_rest partition of public.events default;
alter table public.events drop column gone;
create table app.hashed (id int, name text) partition by hash (id);
create table app.hashed_0 partition of app.hashed for values with (modulus 2, remainder 0);
create table app.hashed_1 partition of app.hashed for values with (modulus 2, remainder 1);
create table app.listed (id int, region text, pk int) partition by list (region);
create table app.listed_eu partition of app.listed for values in ('eu');
create table app.listed_null partition of app.listed for values in (null);
create table app.childless (id int, name text) partition by range (id);
