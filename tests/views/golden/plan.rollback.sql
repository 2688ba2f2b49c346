-- Plan a59bc96c437300981b3c4f6fc1d448d0a61f1dd3e06c626b783e66f00b9c6fec of 2026-03-04T05:06:07Z, by reconciler 0.1.0
-- main: PostgreSQL 18.6, app at db1:5432
-- cache: Valkey 9.1 at cache1:6379
-- Rollback of the apply that ended at 2026-03-03T22:04:05Z (plan 9a1b9a1b9a1b). Plan: 0 to create, 1 to change, 1 to drop. 1 setting is blocked. Revert what was declared, too, or the next plan makes it again; it was applied at commit c0ffeec0ffee.
-- Run the sections in their order with psql -X -f, each connected to its own target, and each restart
-- where it stands. Unlike reconciler apply, this script
-- does not look again before and after each change, and does not undo what went wrong.

\set ON_ERROR_STOP on

-- ==== main: PostgreSQL 18.6, app at db1:5432
do 'begin if pg_catalog.current_database() operator(pg_catalog.<>) ''app'' or (select system_identifier::pg_catalog.text from pg_catalog.pg_control_system()) operator(pg_catalog.<>) ''7412345678901234567'' then raise exception using message = ''this section is for main: PostgreSQL 18.6, app at db1:5432''; end if; end';

-- - main/pg_index/public.sessions_user_idx: it was not there before what is undone
-- ! hazard index-drop: queries that use it become slower
set lock_timeout = '3s';
set statement_timeout = '0';
drop index concurrently public.sessions_user_idx;
-- to undo: create index concurrently sessions_user_idx on sessions (a)

-- ==== cache: Valkey 9.1 at cache1:6379

-- ~ cache/redis_setting/maxmemory-policy: allkeys-lru → noeviction
-- redis-cli> CONFIG SET maxmemory-policy noeviction
