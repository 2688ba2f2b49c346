"""The queries by which settings are read, each part of one round trip (see read)."""

from __future__ import annotations

from psycopg import sql

from reconciler.kinds.pg_setting.observing import surroundings
from reconciler.targets.postgres.session_settings import (
    READING_SETTINGS,
    SAME_FOR_ALL,
    SAME_WHERE_THERE,
    UNLIMITED,
)

OWN = {
    "search_path": "", "synchronous_commit": "on",
    **READING_SETTINGS, **SAME_FOR_ALL, **SAME_WHERE_THERE, **dict.fromkeys(UNLIMITED, "0"),
}  # fmt: skip
"""All that `session_settings.setting` gives a session that reads. It writes nothing, so that it matters to nobody how
its commits are waited for."""

RESET_OWN = sql.SQL("""
    select pg_catalog.set_config(name, null, true) from pg_catalog.unnest(%(own)s::pg_catalog.text[]) as name
    where pg_catalog.current_setting(name, true) is not null
""")
"""Takes the session's own limits, formats and search_path away until the end of this transaction, so that pg_settings
shows where they would come from without them. RESET by set_config(…, null, …) restores value *and* source."""

RESTORE_OWN = sql.SQL("""
    select pg_catalog.set_config(name, value, true)
    from rows from (pg_catalog.unnest(%(own)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(values)s::pg_catalog.text[])) as own (name, value)
    where pg_catalog.current_setting(name, true) is not null
""")
"""Meanwhile the server's limits count, which may be short, and the role's search_path, by which no name of ours may be
looked for: as soon as pg_settings has been read, its own are back."""

SERVER = sql.SQL("""
    select rolname as role, rolsuper as superuser,
           (select rolsuper from pg_catalog.pg_roles where oid = %(acting)s::pg_catalog.oid) as acts_as_superuser,
           pg_catalog.has_function_privilege(%(acting)s::pg_catalog.oid, 'pg_catalog.pg_reload_conf()', 'execute')
               as may_reload,
           pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'select')
           and pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute') as may_read_files,
           (select setting from pg_catalog.pg_settings where name = 'allow_alter_system') as allow_alter_system,
           (select setting from pg_catalog.pg_settings where name = 'data_directory') as data_directory,
           (select min_val::int from pg_catalog.pg_settings where name = 'maintenance_work_mem') as raised_to,
           (select setting from pg_catalog.pg_settings where name = 'shared_preload_libraries') as loaded,
           (select pg_catalog.count(*)::int from pg_catalog.pg_stat_replication r
            where application_name is distinct from 'pg_basebackup'
                  and not exists (select from pg_catalog.pg_replication_slots s
                                  where s.active_pid = r.pid and s.slot_type = 'logical')) as standbys,
           {may}
    from pg_catalog.pg_roles where rolname = current_user
""").format(may=surroundings.MAY)

SETTINGS = sql.SQL("""
    select pg_catalog.lower(name) as key, name, vartype, coalesce(unit, '') as unit, min_val, max_val, enumvals,
           context, boot_val, setting, source, sourcefile, sourceline, pending_restart,
           {may_alter_system} as may_alter_system, {may_set} as may_set
    from pg_catalog.pg_settings where pg_catalog.lower(name) operator(pg_catalog.=) any(%(names)s::pg_catalog.text[])
""")

OF_A_RESTART = sql.SQL("""
    select pg_catalog.lower(name) as key, name, vartype, coalesce(unit, '') as unit, min_val, max_val, enumvals,
           context, boot_val, setting, pending_restart, source = 'command line' as fixed
    from pg_catalog.pg_settings
    where context = 'postmaster'
""")

FILES = sql.SQL("""
    select sourcefile, sourceline, pg_catalog.lower(name) as name, setting, error
    from pg_catalog.pg_file_settings order by seqno
""")

OVERRIDES = sql.SQL("""
    select d.datname as database, r.rolname as role, entry
    from pg_catalog.pg_db_role_setting s
    cross join pg_catalog.unnest(s.setconfig) as entry
    left join pg_catalog.pg_database d on d.oid = s.setdatabase
    left join pg_catalog.pg_roles r on r.oid = s.setrole
    where pg_catalog.lower(pg_catalog.split_part(entry, '=', 1)) = any(%(names)s)
""")

DATABASES = sql.SQL("""
    select datname as name, pg_catalog.quote_ident(datname) as quoted,
           pg_catalog.pg_has_role(%(acting)s::pg_catalog.oid, datdba, 'usage') as may_alter
    from pg_catalog.pg_database where %(scoped)s
""")

ROLES = sql.SQL("""
    select r.rolname as name, pg_catalog.quote_ident(r.rolname) as quoted, r.rolsuper as is_superuser,
           r.oid = me.oid or me.rolsuper
           or (me.rolcreaterole and not r.rolsuper
               and (pg_catalog.current_setting('server_version_num')::int < 160000
                    or pg_catalog.pg_has_role(me.oid, r.oid, 'usage with admin option'))) as may_alter
    from pg_catalog.pg_roles r cross join pg_catalog.pg_roles me
    where me.oid = %(acting)s::pg_catalog.oid and %(scoped)s
""")

ABSENT = sql.SQL("""
    select wanted, {known} as known,
           (select pg_catalog.array_agg(name::pg_catalog.text) from pg_catalog.pg_settings) as names,
           (select rolsuper or pg_catalog.pg_has_role('pg_read_all_settings', 'usage')
            from pg_catalog.pg_roles where rolname = current_user) as reads_all
    from pg_catalog.unnest(%(names)s::pg_catalog.text[]) as wanted
    where not exists (select from pg_catalog.pg_settings where pg_catalog.lower(name) = wanted)
""")
