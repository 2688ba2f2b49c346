"""Questions by which a session finds out which server it leads to, who it is there, and what it may look at."""

from __future__ import annotations

from psycopg import sql

from reconciler.model import PostgresTarget
from reconciler.targets.postgres.taken_role import acting, can_act

_IDENTIFY = """
    select acting.oid::pg_catalog.int8 as acting_oid, acting.rolname as acting, {can_act} as can_act,
           pg_catalog.current_setting('server_version_num')::int as version_num,
           pg_catalog.current_setting('server_version') as version,
           pg_catalog.current_database() as database,
           current_user as role, session_user as login,
           pg_catalog.pg_is_in_recovery() as in_recovery,
           (select nspname from pg_catalog.pg_namespace where oid = pg_catalog.pg_my_temp_schema()) as temporary,
           pg_catalog.current_setting('idle_session_timeout', true) as idle_session_timeout,
           (select pg_catalog.bool_or(r.rolsuper) from pg_catalog.pg_roles r
            where r.rolname in (current_user, session_user)) as superuser,
           exists (select from pg_catalog.pg_roles r
                   where (r.rolsuper or r.rolcreaterole or r.rolreplication or r.rolbypassrls
                          or r.rolname = any(array['pg_execute_server_program', 'pg_read_server_files',
                                                   'pg_write_server_files']))
                         and (r.rolname = session_user or pg_catalog.pg_has_role(session_user, r.oid, 'member'))
           ) as may_harm,
           pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may_identify,
           pg_catalog.has_function_privilege('pg_catalog.pg_read_file(pg_catalog.text)', 'execute') as may_read_files,
           pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute') as may_list_wal,
           array(select file.view::pg_catalog.text
                 from (values ('pg_file_settings', 'pg_show_all_file_settings()'),
                              ('pg_hba_file_rules', 'pg_hba_file_rules()'),
                              ('pg_ident_file_mappings', 'pg_ident_file_mappings()')) as file (view, function)
                 where pg_catalog.has_table_privilege(pg_catalog.to_regclass('pg_catalog.' || file.view), 'select')
                       and pg_catalog.has_function_privilege(
                           pg_catalog.to_regprocedure('pg_catalog.' || file.function), 'execute')) as file_views,
           pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())::pg_catalog.text as started,
           extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.float8 as clock
    from (values ({acting})) as who (name) left join pg_catalog.pg_roles acting on acting.rolname = who.name
"""


def identify(target: PostgresTarget) -> sql.Composed:
    """What tells who and where a session to `target` is, and as whom what it plans will run."""
    return sql.SQL(_IDENTIFY).format(acting=acting(target), can_act=can_act(target))


IDENTIFIER = "select system_identifier::pg_catalog.text as id from pg_catalog.pg_control_system()"
"""Not part of `identify`: a server that lets this role not call it refuses the statement that it stands in."""
