"""What the server is asked: settings, overrides and privileges in one round trip, the files in a second.

A query that merely mentions pg_file_settings is refused to a role that may not read it, and an error in the server's
log at every plan is no way to find out: so the first round trip asks whether the role may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from psycopg import sql

from reconciler.formulas.evaluation import MACHINE
from reconciler.kinds.pg_setting import risk, startup, values
from reconciler.kinds.pg_setting.changes import managed, obstacles, patroni
from reconciler.kinds.pg_setting.changes import planned_values as coming
from reconciler.kinds.pg_setting.changes.brought_by_restart import brought, by_patroni
from reconciler.kinds.pg_setting.changes.planned_values import Coming
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import Around, FileEntry, Override, Server
from reconciler.kinds.pg_setting.observing import environment, not_listed, queries
from reconciler.kinds.pg_setting.observing.connected import QUERY as CONNECTED
from reconciler.kinds.pg_setting.observing.connected import connected
from reconciler.kinds.pg_setting.provenance import file_name, is_auto, line, session_override
from reconciler.kinds.pg_setting.values import forms, lists
from reconciler.kinds.pg_setting.values.names import nearest, unknown
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.targets.postgres.session import PostgresSession, Query, Row

_TAKEN_OUT = "cannot be changed without restarting the server"
"""What pg_file_settings says, of no file and no name, where a line is gone and what it set waits for a restart. Never
translated (src/backend/utils/misc/guc.c, ProcessConfigFileInternal)."""


class Reading:
    """The answers, by what one looks them up with. Names of settings are in lower case."""

    def __init__(self, session: PostgresSession, wanted: Sequence[PgSetting]) -> None:
        self._session = session
        declared = coming.declared(wanted)
        operands = coming.mentioned(wanted)
        names = sorted(
            {resource.setting for resource in wanted} | lists.PRELOADED | risk.COMPANIONS | operands.difference(MACHINE)
        )
        scoped = any(not resource.of_instance for resource in wanted)
        own = {"own": list(queries.OWN), "values": list(queries.OWN.values())}
        params = {"names": names, "scoped": scoped, **own, **managed.PARAMS}
        grants = session.version_num >= 150000
        settings = queries.SETTINGS.format(
            may_alter_system=sql.SQL("pg_catalog.has_parameter_privilege(name, 'alter system')" if grants else "false"),
            may_set=sql.SQL("pg_catalog.has_parameter_privilege(name, 'set')" if grants else "false"),
        )
        absent = queries.ABSENT.format(
            known=sql.SQL("pg_catalog.pg_settings_get_flags(wanted) is not null" if grants else "null::pg_catalog.bool")
        )
        asked: list[Query] = [
            *(queries.RESET_OWN, settings, queries.RESTORE_OWN),
            *(queries.SERVER, queries.OVERRIDES, queries.DATABASES, queries.ROLES, absent, managed.QUERY),
        ]
        leaning = risk.CONNECTED & {resource.setting for resource in wanted}
        if leaning:
            asked.append(CONNECTED)
        restarts = bool(session.target.restart or session.target.patroni) and any(
            resource.of_instance for resource in wanted
        )
        if restarts:
            asked.append(queries.OF_A_RESTART)
        _, rows, _, server, overrides, databases, roles, missing, owners, *others = session.fetch_all(
            [(query, params) for query in asked]
        )
        self.rows: Mapping[str, Row] = {row["key"]: row for row in rows}
        of_a_restart: Sequence[Row] = others[-1] if restarts else ()
        # What stands on the server's command line stays, whatever is declared.
        fixed = {name for name, row in self.rows.items() if row["source"] == "command line"}
        self.declared = {name: value for name, value in declared.items() if name not in fixed}
        self.absent: Mapping[str, Row] = {row["wanted"]: row for row in missing if row["wanted"] in names}
        self.databases: Mapping[str, Row] = {row["name"]: row for row in databases}
        self.roles: Mapping[str, Row] = {row["name"]: row for row in roles}
        self._raised_to: int = server[0]["raised_to"]
        self._overrides = overrides
        needed = any(resource.of_instance for resource in wanted) or operands.difference(MACHINE)
        lines = session.fetch(queries.FILES) if needed and server[0]["may_read_files"] else None
        directory = server[0]["data_directory"]
        self.entries: dict[str, list[FileEntry]] = {}
        blocking = []
        for entry in lines or ():
            if entry["sourcefile"] is None and _TAKEN_OUT in (entry["error"] or ""):
                continue
            # Another error of no file is that the file itself is missing, or may not be opened.
            file = file_name(entry["sourcefile"] or "postgresql.conf", directory)
            if entry["error"] not in (None, "setting could not be applied"):
                blocking.append(f"{line(file, entry['sourceline'] or None)}: {entry['error']}")
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
            in_recovery=session.in_recovery,
            data_directory=directory,
            may_reload=server[0]["may_reload"],
            alter_system_allowed=server[0]["allow_alter_system"] != "off",
            files_visible=lines is not None and not blocking,
            blocking=tuple(blocking),
            loaded=None if loaded is None else _libraries(loaded),
            preloading=_libraries(preload[-1].setting) if preload else (),
            owner=managed.recognise(owners[0]),
            patroni=patroni.read(session, [*names, *(row["key"] for row in of_a_restart)]),
            to_preload=_to_preload(wanted),
            undeclared_standbys=_undeclared(session, server[0]["standbys"]),
            restarts=bool(session.target.restart or session.target.patroni),
        )
        future = Coming(session, self)
        now = {name: self._read(name, self.rows[name]["setting"]) for name in risk.COMPANIONS & self.rows.keys()}
        self.server = self.server.model_copy(
            update={
                "coming": future.companions(),
                "now": {name: value for name, value in now.items() if value is not None},
                **future.operands(operands),
            }
        )
        changing = startup.COMPANIONS & {resource.setting for resource in wanted if resource.of_instance}
        around = Around()
        if changing:
            around = environment.around(session, server[0], changing, self.server.coming)
            if server[0]["may_look"]:
                around = environment.looked_at(session, around, startup.paths(self.server.coming, changing))
        if leaning:
            around = around.model_copy(update=connected(session, others[0][0], leaning))
        if around.memory is None and self._takes_more_memory(wanted):
            around = around.model_copy(update={"memory": session.memory()})
        self.server = self.server.model_copy(update={"around": around})
        waiting = [(self._defined(row["key"], row), row) for row in of_a_restart]
        if seen := self.server.patroni:
            brings = by_patroni((definition for definition, _ in waiting), seen, self.server)
        else:
            brings = brought([one for one in waiting if not one[1]["fixed"]], self.entries, self.server)
        self.server = self.server.model_copy(update={"brings": brings})

    def _takes_more_memory(self, wanted: Sequence[PgSetting]) -> bool:
        """Whether the machine's memory has to be known: what is declared is not what runs, or not the instance's."""
        coming, now = self.server.coming, self.server.now
        asked = (resource for resource in wanted if resource.setting in risk.MEMORY)
        return any(not each.of_instance or coming.get(each.setting) != now.get(each.setting) for each in asked)

    def known(self, name: str) -> Definition:
        """As `definition`. Raises InvalidValue where pg_settings does not list it."""
        definition = self.definition(name)
        if definition is None:
            raise InvalidValue(self._why_absent(name))
        return definition

    def _why_absent(self, name: str) -> str:
        if self.is_unlisted(name):
            return f"{name} is not visible to role {self.server.role}"
        near = nearest(name, [*self.absent[name]["names"], *MACHINE])
        return unknown(name, near, self.server.version_num)

    def is_unlisted(self, name: str) -> bool:
        """Whether one of `absent` is a setting of the server all the same. One round trip, for the first before 15."""
        known: bool | None = self.absent[name]["known"]
        return name in self._unlisted if known is None else known

    @cached_property
    def _unlisted(self) -> frozenset[str]:
        return not_listed.existing(self._session, self.absent)

    def current(self, name: str) -> str | None:
        """What the instance will have of a setting that nobody changes; None where that is not visible."""
        row, entries = self.rows[name], self.entries.get(name)
        if (
            entries
            and row["source"] != "command line"
            and values.read(self.known(name), entries[-1].setting) is not None
        ):
            return entries[-1].setting
        found: str | None = row["setting"]
        if session_override(row["source"]):
            found = row["boot_val"] if self.server.files_visible else None
        return found

    def after_reset(self, name: str) -> str | None:
        """What the instance will have of a setting after ALTER SYSTEM RESET."""
        row = self.rows[name]
        below = next((entry for entry in reversed(self.entries.get(name, [])) if not entry.by_alter_system), None)
        if below is not None:
            return below.setting
        found: str | None = row["setting" if row["source"] in ("default", "override") else "boot_val"]
        return found

    def given(self, name: str) -> bool:
        """Whether it stands on the server's command line, where nothing else counts."""
        return bool(self.rows[name]["source"] == "command line")

    def anew(self, name: str) -> str | None:
        """As `current`, but of a value that the server derives from others, out of -1 or 0, that very number."""
        row = self.rows[name]
        derived = row["source"] in ("default", "override") and row["boot_val"] in ("-1", "0")
        return row["boot_val"] if derived and not self.entries.get(name) else self.current(name)

    def preloaded(self, name: str) -> values.Canonical | None:
        """The libraries of a list such as shared_preload_libraries at the next start, as the files have it."""
        return self._read(name, self.current(name)) if name in self.rows else None

    def _read(self, name: str, text: str | None) -> values.Canonical | None:
        definition = self.definition(name)
        return None if definition is None else values.read(definition, text)

    def definition(self, name: str) -> Definition | None:
        """What pg_settings says of the setting itself; None where it does not list it."""
        row = self.rows.get(name)
        return None if row is None else self._defined(name, row)

    def _defined(self, name: str, row: Row) -> Definition:
        return Definition(
            name=name,
            vartype=row["vartype"],
            unit=row["unit"],
            min_val=row["min_val"],
            max_val=row["max_val"],
            enumvals=tuple(row["enumvals"] or forms.words(name, self._session.version_num)),
            context=row["context"],
            boot_val=row["boot_val"],
            raised_to=self._raised_to if name == "autovacuum_work_mem" else 0,
            ascii_by=("\\x" if self._session.version_num >= 160000 else "?") if name in values.NAMES else "",
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
                override = Override(scope=" in ".join(parts) or obstacles.ALL_ROLES, value=value)
                found.append((row["database"], row["role"], override))
        return found


def _undeclared(session: PostgresSession, standbys: int) -> int:
    """How many of the standbys that stream from a server are not declared with it; of a node beside others: none."""
    return 0 if session.target.node_of else max(0, standbys - len(session.target.standbys))


def _to_preload(wanted: Sequence[PgSetting]) -> tuple[str, ...]:
    """The libraries that are declared to be preloaded."""
    return tuple(
        name
        for resource in wanted
        if resource.of_instance and resource.setting == "shared_preload_libraries"
        for name in obstacles.named_libraries(resource)
    )


def _libraries(text: str) -> tuple[str, ...]:
    try:
        return lists.split("shared_preload_libraries", text)
    except ValueError:
        return ()
