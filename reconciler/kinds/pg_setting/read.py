"""What the server is asked: settings, overrides and privileges in one round trip, the files in a second.

A query that merely mentions pg_file_settings is refused to a role that may not read it, and an error in the server's
log at every plan is no way to find out: so the first round trip asks whether the role may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_setting import lists, startup, surroundings, values
from reconciler.kinds.pg_setting.model import Definition, FileEntry, Override, PgSetting, Server
from reconciler.kinds.pg_setting.provenance import file_name, is_auto
from reconciler.targets.postgres import READING_SETTINGS, SAME_FOR_ALL, PostgresSession, Query, Row

_OWN_SETTINGS = sql.SQL("select set_config(name, null, true) from unnest(%(own)s::text[]) as name")
"""Takes the session's own timeouts and formats away until the end of this transaction, so that pg_settings shows where
they would come from without them. RESET by set_config(…, null, …) restores value *and* source."""

_SERVER = sql.SQL("""
    select rolname as role, rolsuper as superuser,
           has_function_privilege('pg_catalog.pg_reload_conf()', 'execute') as may_reload,
           has_table_privilege('pg_catalog.pg_file_settings', 'select')
           and has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute') as may_read_files,
           (select setting from pg_catalog.pg_settings where name = 'allow_alter_system') as allow_alter_system,
           (select setting from pg_catalog.pg_settings where name = 'data_directory') as data_directory,
           (select min_val::int from pg_catalog.pg_settings where name = 'maintenance_work_mem') as raised_to,
           (select setting from pg_catalog.pg_settings where name = 'shared_preload_libraries') as loaded,
           {may}
    from pg_catalog.pg_roles where rolname = current_user
""").format(may=surroundings.MAY)

_SETTINGS = sql.SQL("""
    select lower(name) as key, name, vartype, coalesce(unit, '') as unit, min_val, max_val, enumvals, context, boot_val,
           setting, source, sourcefile, sourceline, pending_restart,
           {may_alter_system} as may_alter_system, {may_set} as may_set
    from pg_catalog.pg_settings where lower(name) = any(%(names)s)
""")

_FILES = sql.SQL("""
    select sourcefile, sourceline, lower(name) as name, setting, error from pg_catalog.pg_file_settings order by seqno
""")

_OVERRIDES = sql.SQL("""
    select d.datname as database, r.rolname as role, entry
    from pg_catalog.pg_db_role_setting s
    cross join unnest(s.setconfig) as entry
    left join pg_catalog.pg_database d on d.oid = s.setdatabase
    left join pg_catalog.pg_roles r on r.oid = s.setrole
    where lower(split_part(entry, '=', 1)) = any(%(names)s)
""")

_DATABASES = sql.SQL("""
    select datname as name, quote_ident(datname) as quoted, pg_has_role(datdba, 'usage') as may_alter
    from pg_catalog.pg_database where %(scoped)s
""")

_ROLES = sql.SQL("""
    select r.rolname as name, quote_ident(r.rolname) as quoted,
           r.rolname = current_user or me.rolsuper
           or (me.rolcreaterole and not r.rolsuper
               and (current_setting('server_version_num')::int < 160000
                    or pg_has_role(r.oid, 'usage with admin option'))) as may_alter
    from pg_catalog.pg_roles r cross join pg_catalog.pg_roles me
    where me.rolname = current_user and %(scoped)s
""")

_ABSENT = sql.SQL("""
    select wanted, {known} as known,
           (select array_agg(name::text) from pg_catalog.pg_settings) as names,
           (select rolsuper or pg_has_role('pg_read_all_settings', 'usage')
            from pg_catalog.pg_roles where rolname = current_user) as reads_all
    from unnest(%(names)s::text[]) as wanted
    where not exists (select from pg_catalog.pg_settings where lower(name) = wanted)
""")


class Reading:
    """The answers, by what one looks them up with. Names of settings are in lower case."""

    def __init__(self, session: PostgresSession, wanted: Sequence[PgSetting]) -> None:
        names = sorted({resource.setting for resource in wanted} | lists.PRELOADED | startup.COMPANIONS)
        scoped = any(not resource.of_instance for resource in wanted)
        params = {"names": names, "own": [*READING_SETTINGS, *SAME_FOR_ALL], "scoped": scoped}
        grants = session.version_num >= 150000
        settings = _SETTINGS.format(
            may_alter_system=sql.SQL("has_parameter_privilege(name, 'alter system')" if grants else "false"),
            may_set=sql.SQL("has_parameter_privilege(name, 'set')" if grants else "false"),
        )
        absent = _ABSENT.format(
            known=sql.SQL("pg_catalog.pg_settings_get_flags(wanted) is not null" if grants else "null::bool")
        )
        queries: list[Query] = [_OWN_SETTINGS, _SERVER, settings, _OVERRIDES, _DATABASES, _ROLES, absent]
        _, server, rows, overrides, databases, roles, missing = session.fetch_all(
            [(query, params) for query in queries]
        )
        self.rows: Mapping[str, Row] = {row["key"]: row for row in rows}
        self.absent: Mapping[str, Row] = {row["wanted"]: row for row in missing if row["wanted"] in names}
        self.databases: Mapping[str, Row] = {row["name"]: row for row in databases}
        self.roles: Mapping[str, Row] = {row["name"]: row for row in roles}
        self._raised_to: int = server[0]["raised_to"]
        self._overrides = overrides
        asked = server[0]["may_read_files"] and any(resource.of_instance for resource in wanted)
        lines = session.fetch(_FILES) if asked else None
        directory = server[0]["data_directory"]
        self.entries: dict[str, list[FileEntry]] = {}
        blocking = []
        for entry in lines or ():
            file = file_name(entry["sourcefile"], directory)
            if entry["error"] not in (None, "setting could not be applied"):
                blocking.append(f"{file}:{entry['sourceline']}: {entry['error']}")
            elif entry["name"] is not None:
                self.entries.setdefault(entry["name"], []).append(
                    FileEntry(
                        file=file,
                        line=entry["sourceline"],
                        setting=entry["setting"] or "",
                        by_alter_system=is_auto(file),
                    )
                )
        loaded = server[0]["loaded"]
        preload = self.entries.get("shared_preload_libraries")
        self.server = Server(
            version_num=session.version_num,
            role=server[0]["role"],
            superuser=server[0]["superuser"],
            memory=session.memory() if any("%" in str(resource.value) for resource in wanted) else None,
            in_recovery=session.in_recovery,
            data_directory=directory,
            may_reload=server[0]["may_reload"],
            alter_system_allowed=server[0]["allow_alter_system"] != "off",
            files_visible=lines is not None and not blocking,
            blocking=tuple(blocking),
            loaded=None if loaded is None else _libraries(loaded),
            preloading=_libraries(preload[-1].setting) if preload else (),
        )
        beside = _beside(wanted)
        declared = startup.COMPANIONS & {resource.setting for resource in wanted if resource.of_instance}
        coming = {name: self._coming(name, beside.get(name)) for name in startup.COMPANIONS & self.rows.keys()}
        now = {name: self._read(name, self.rows[name]["setting"]) for name in coming}
        self.server = self.server.model_copy(
            update={
                "beside": beside,
                "coming": {name: value for name, value in coming.items() if value is not None},
                "now": {name: value for name, value in now.items() if value is not None},
            }
        )
        if declared:
            around = surroundings.around(session, server[0], declared, self.server.coming)
            if server[0]["may_look"]:
                around = surroundings.looked_at(session, around, startup.paths(self.server.coming, declared))
            self.server = self.server.model_copy(update={"around": around})

    def _coming(self, name: str, declared: str | None) -> values.Canonical | None:
        """What `name` comes to at the next start, if it is set to what is `declared` for it."""
        row, entries = self.rows[name], self.entries.get(name, [])
        if row["source"] == "command line":
            return self._read(name, row["setting"])
        if declared is not None and declared.lower() == "default":
            entries = [entry for entry in entries if not entry.by_alter_system]
            return self._read(name, entries[-1].setting if entries else row["boot_val"])
        # A value that the server derives from others, out of a default such as -1, it derives anew.
        derived = row["source"] in ("default", "override") and row["boot_val"] in ("-1", "0")
        now = row["boot_val"] if derived else row["setting"]
        texts = (declared, entries[-1].setting if entries else None, now)
        known = (self._read(name, text) for text in texts)
        return next((value for value in known if value is not None), None)

    def preloaded(self, name: str) -> values.Canonical | None:
        """The libraries of a list such as shared_preload_libraries at the next start, as the files have it."""
        return self._coming(name, None) if name in self.rows else None

    def _read(self, name: str, text: str | None) -> values.Canonical | None:
        definition = self.definition(name)
        return None if definition is None else values.read(definition, text)

    def definition(self, name: str) -> Definition | None:
        """What pg_settings says of the setting itself; None where it does not list it."""
        row = self.rows.get(name)
        if row is None:
            return None
        return Definition(
            name=name,
            vartype=row["vartype"],
            unit=row["unit"],
            min_val=row["min_val"],
            max_val=row["max_val"],
            enumvals=tuple(row["enumvals"] or ()),
            context=row["context"],
            boot_val=row["boot_val"],
            raised_to=self._raised_to if name == "autovacuum_work_mem" else 0,
        )

    def overrides(self, name: str) -> list[tuple[str | None, str | None, Override]]:
        """The values that databases and roles have of their own: database, role, value; None twice: for all roles."""
        found = []
        for row in self._overrides:
            key, _, value = row["entry"].partition("=")
            if key.lower() == name:
                parts = [
                    *([f"role {row['role']}"] if row["role"] else []),
                    *([f"database {row['database']}"] if row["database"] else []),
                ]
                override = Override(scope=" in ".join(parts) or "all roles", value=value)
                found.append((row["database"], row["role"], override))
        return found


def _beside(wanted: Sequence[PgSetting]) -> dict[str, str]:
    """The declared texts of settings that others lean on; those that a change carries along count as well."""
    texts = {name: text for resource in wanted for name, text in resource.beside.items()}
    own = {
        resource.setting: resource.value
        for resource in wanted
        if resource.of_instance and resource.setting in startup.COMPANIONS and isinstance(resource.value, str)
    }
    return {**texts, **own}


def hidden_before_15(session: PostgresSession, name: str) -> bool:
    """Whether a setting that pg_settings does not list exists all the same. One round trip.

    From 15 on pg_settings_get_flags knows; before, only the refusal tells a setting that may not be seen.
    """
    try:
        found: str | None = session.fetch("select current_setting(%(name)s, true) as value", {"name": name})[0]["value"]
    except ObservationFailed as error:
        if "(42501)" in str(error):
            return True
        raise
    return found is not None


def by_server(session: PostgresSession, name: str, text: str) -> tuple[str | None, str]:
    """How the server reads `text` for a setting that a session may SET, and what it said if it refused.

    The value is local to a transaction that writes nothing and ends at once. (None, "") where the role may not SET it.
    """
    if name == "client_encoding":  # set, it would change what this very session is read by
        query = sql.SQL("select pg_catalog.pg_encoding_to_char(pg_catalog.pg_char_to_encoding(%(text)s)) as value")
        encoding: str = session.fetch(query, {"text": text})[0]["value"]
        return (encoding, "") if encoding else (None, "it is not the name of an encoding")
    query = sql.SQL("select set_config(%(name)s, %(text)s, true) as value")
    try:
        return session.fetch(query, {"name": name, "text": text})[0]["value"], ""
    except ObservationFailed as error:
        if "(42501)" in str(error):
            return None, ""
        return None, error.message.partition(": ")[2] or error.message


def _libraries(text: str) -> tuple[str, ...]:
    try:
        return lists.split("shared_preload_libraries", text)
    except ValueError:
        return ()
