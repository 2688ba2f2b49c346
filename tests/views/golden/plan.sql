-- Plan bbfd81a76525a3f644869eae3f1cb9a3f607c5db03f7cd0154c91cca0aec9d31 of 2026-03-04T05:06:07Z, by reconciler 0.1.0
-- main: PostgreSQL 18.6, app at db1:5432
-- cache: Valkey 9.1 at cache1:6379
-- Plan: 4 to create, 1 to replace, 1 to rebuild, 1 to rename, 7 to change, 1 to drop. 2 builds: about 28 MB, about 4 s one after the other; of 1 of them not all is estimated. 1 index is blocked. 2 settings wait for a restart. 1 setting is not persisted. 1 setting is not visible. 1 index is being built. 1 user is unwanted. 1 index is unlisted. 1 preflight warning. 1 of 8 checks fails; 1 could not be decided, 1 is not visible, 1 has no data, 1 is waived, 1 is attested, 1 does not apply.
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

-- -/+ main/pg_index/public.sessions_user_idx: user_id → user_id, last_seen desc
-- ! hazard index-build: reads the whole table; writes go on, and wait for nothing
set lock_timeout = '15min';
set statement_timeout = '0';
create index concurrently sessions_user_idx_new on public.sessions (user_id, last_seen desc);
-- ! hazard index-drop: queries that use it become slower; 1,204 scans since 3 March
set lock_timeout = '3s';
set statement_timeout = '30s';
begin;
drop index public.sessions_user_idx;
alter index public.sessions_user_idx_new rename to sessions_user_idx;
commit;

-- ↻ main/pg_index/public.votes_round_idx: INVALID since a failed build: rebuilt
set lock_timeout = '15min';
set statement_timeout = '0';
reindex index concurrently public.votes_round_idx;

-- → main/pg_index/public.rounds_idx: rounds_old → rounds_idx
-- reconciler apply tries this up to 10 times while somebody holds a lock
set lock_timeout = '3s';
set statement_timeout = '0';
alter index public.rounds_old rename to rounds_idx;

-- - main/pg_index/public.a_name_that_is_longer_than_anybody_would_like_it_to_be_in_a_table_of_changes_idx: declared absent
-- ! hazard index-drop: queries that use it become slower; 1,204 scans since 3 March
set lock_timeout = '15min';
set statement_timeout = '0';
drop index concurrently public.a_name_that_is_longer_than_anybody_would_like_it_to_be_in_a_table_of_changes_idx;
-- to undo: create index concurrently a_name on public.sessions using btree (user_id)

-- + main/pg_index/public.emails_クエリ_idx: evil\x1b[2J\r\nrm -rf\u202e @everyone #12 <script>alert(1)</script> | `x`
set lock_timeout = '15min';
set statement_timeout = '0';
create index emails_クエリ_idx
	on public.users (lower(email))
	where note <> 'a `b` | ```c``` <b>';

-- + main/pg_index/public.escape_idx
-- NOT IN THIS SCRIPT: it holds characters that cannot be seen, or that psql takes as its own commands.
-- Apply it with reconciler. Its steps:
--   set lock_timeout = '15min';
--   set statement_timeout = '0';
--   create index escape_idx on public.users (note) where note <> '\x1b]0;owned\x07\x9b2J';

-- ~ main/pg_setting/work_mem: 4MB → 16MB
set lock_timeout = '3s';
set statement_timeout = '0';
alter system set work_mem = '16MB';
select pg_reload_conf();
-- on failure, reconciler apply runs: alter system reset work_mem; select pg_reload_conf()

-- ~ main/pg_setting/shared_buffers: 128MB → 4GB
-- ! hazard waits-for-restart: true after the next restart of the server
set lock_timeout = '3s';
set statement_timeout = '0';
alter system set shared_buffers = '4GB';
select pg_reload_conf();
-- on failure, reconciler apply runs: alter system reset shared_buffers; select pg_reload_conf()

-- ~ main/pg_setting/fsync: on → off
-- ! hazard less-safe: a crash of the machine may lose the database
set lock_timeout = '3s';
set statement_timeout = '0';
alter system set fsync = 'off';
select pg_reload_conf();
-- on failure, reconciler apply runs: alter system reset fsync; select pg_reload_conf()

-- So that nobody takes this section for complete:
do 'begin if true then raise exception using message = ''not in this script: 1 of the changes on main; apply the plan with reconciler''; end if; end';

-- ==== cache: Valkey 9.1 at cache1:6379

-- ~ cache/redis_setting/maxmemory: 0 → 6GB
-- ! hazard evicts-keys: 7.1 GB are held: about 1.1 GB of keys go at once
-- redis-cli> CONFIG SET maxmemory 6442450944
-- redis-cli> CONFIG REWRITE

-- ~ cache/redis_setting/requirepass: (sensitive)
-- redis-cli> CONFIG SET requirepass (sensitive)
-- redis-cli> CONFIG REWRITE

-- ~ cache/redis_setting/save: 3600 1 300 100 → ""
-- redis-cli> CONFIG SET save ""
-- once the append-only file is whole:
-- redis-cli> CONFIG REWRITE

-- + cache/redis_user/app: may run every command but @dangerous; may read and write app:*; gets a password
-- redis-cli> ACL SETUSER app reset on (sensitive) ~app:* +@all -@dangerous
-- by hand: tell the application its new password, then restart it

-- ~ cache/redis_user/worker: may no longer run flushall; may no longer read and write keys other than jobs:*; its password is changed
-- redis-cli> ACL SETUSER worker reset on ~jobs:* +get (sensitive)
