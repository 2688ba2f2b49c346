-- Tried by test_suites.py: as a project's own scripts are, with a case that cleans up behind itself.
create schema app;
create table app.tasks (
    id bigint primary key, title text, "Größe" int, tags text[], meta jsonb, made timestamptz, done bool default false,
    code text collate "POSIX"
);
insert into app.tasks select n, 'title ' || n, n % 7, array['a', 'b'], '{"k": 1}', now(), n % 2 = 0
    from generate_series(1, 50) n;
create function app.plain(text) returns text language sql immutable as $$ select lower($1) $$;

create index tasks_title_idx on app.tasks (title text_pattern_ops, "Größe" desc nulls last);
create unique index tasks_id_title_idx on app.tasks (id, title collate "C") include (made) with (fillfactor = 80);
create index tasks_open_idx on app.tasks (made) where not done and "Größe" > 3;
create index tasks_between_idx on app.tasks (id) where "Größe" between 1 and 5 and id not between 100 and 200;
create index tasks_tags_idx on app.tasks using gin (tags) with (FASTUPDATE = False);
create index tasks_meta_idx on app.tasks using gin (meta jsonb_path_ops);
create index tasks_key_idx on app.tasks ((meta ->> 'key'), (coalesce(title, 'none') || 'x'));
create index tasks_made_idx on app.tasks using brin (made) with (pages_per_range = 16);
create index tasks_hash_idx on app.tasks using hash ("Größe");
create index tasks_code_idx on app.tasks (code, id);
create index "Tasks Statistics" on app.tasks (("Größe" + 1));
alter index app."Tasks Statistics" alter 1 set statistics 300;
comment on index app."Tasks Statistics" is 'one more than its size';

set search_path = app;
create index tasks_plain_idx on tasks (plain(title)) where plain(title) in ('a', 'b');
create index if not exists concurrently_made on tasks (title);
reset search_path;

create table app.events (id bigint, at date) partition by range (at);
create table app.events_2025 partition of app.events for values from ('2025-01-01') to ('2026-01-01');
create table app.events_rest partition of app.events default;
create index events_at_idx on app.events (at desc, id);

begin;
create table app.cleaned (id int, name text);
create index cleaned_idx on app.cleaned (name varchar_pattern_ops, id);
drop table app.cleaned;
rollback;
create table app.cleaned (id int, name text);
create unique index cleaned_by_id_idx on app.cleaned (id);
create table app.referring (id int references app.cleaned (id));
create unique index cleaned_idx on app.cleaned (id) where name is not null;
drop index app.cleaned_idx;
create index cleaned_idx on app.cleaned (lower(name));
alter index app.cleaned_idx set (fillfactor = 50);
