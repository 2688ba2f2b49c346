-- Plan 2b8e34138ae5ba829b0dcc2beadc3bd5fb3195525a0aee2b8e6b48661f2b1fac of 2026-03-04T05:06:07Z, by reconciler 0.1.0
-- main: PostgreSQL 18.6, app at db1:5432
-- cache: Valkey 9.1 at cache1:6379
-- ! billing could not be read: its node billing@db9:5432: cannot connect: connection refused\x1b[2J | @everyone
-- ! sessions could not be read: cannot connect: no answer within 10 s
-- 2 targets could not be read, and nothing is known of them. Plan: 1 to create, 0 to change, 0 to drop. 1 build: about 28 MB, about 4 s one after the other. 1 index is blocked. 1 setting waits for a restart. 1 setting is not persisted. 1 setting is not visible. 1 index is being built. 1 user is unwanted. 1 index is unlisted. 1 preflight warning. 1 of 1 check fails.
-- Run the sections in their order with psql -X -f, each connected to its own target, and each restart
-- where it stands. Unlike reconciler apply, this script
-- does not look again before and after each change, and does not undo what went wrong.

\set ON_ERROR_STOP on

-- ==== main: PostgreSQL 18.6, app at db1:5432
do 'begin if pg_catalog.current_database() operator(pg_catalog.<>) ''app'' or (select system_identifier::pg_catalog.text from pg_catalog.pg_control_system()) operator(pg_catalog.<>) ''7412345678901234567'' then raise exception using message = ''this section is for main: PostgreSQL 18.6, app at db1:5432''; end if; end';

-- + main/pg_index/public.tasks_queue_idx: the workers' queue query
-- ! hazard index-build: reads the whole table; writes go on, and wait for nothing
set lock_timeout = '15min';
set statement_timeout = '0';
create index concurrently tasks_queue_idx on public.tasks using btree (priority desc, created_at) include (title) where status in ('pending', 'running');
-- on failure, reconciler apply runs: drop index concurrently public.tasks_queue_idx
