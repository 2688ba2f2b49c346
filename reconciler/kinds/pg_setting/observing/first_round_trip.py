"""What the server is asked in the first round trip, settings, overrides and privileges, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from reconciler.formulas.evaluation import MACHINE
from reconciler.kinds.pg_setting import risk, values
from reconciler.kinds.pg_setting.changes import managed, obstacles, planned_values
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import Override
from reconciler.kinds.pg_setting.observing import connected_sessions, queries
from reconciler.kinds.pg_setting.sections import Range
from reconciler.kinds.pg_setting.values import forms, lists
from reconciler.targets.postgres.session import PostgresSession, Query, Row


@dataclass(frozen=True)
class Question:
    """What has to be known for the resources that are `wanted`.

    declared  what is declared of the instance, by setting.
    operands  the names in all formulas.
    restarts  whether a restart may come of it: the target says how, and the instance is to change.
    """

    wanted: Sequence[PgSetting]
    declared: Mapping[str, str | Range]
    operands: frozenset[str]
    restarts: bool

    @staticmethod
    def of(session: PostgresSession, wanted: Sequence[PgSetting]) -> Question:
        """Pure."""
        restarts = bool(session.target.restart or session.target.patroni)
        return Question(
            wanted,
            planned_values.declared(wanted),
            frozenset(planned_values.mentioned(wanted)),
            restarts and any(resource.of_instance for resource in wanted),
        )

    @property
    def names(self) -> list[str]:
        """The settings to look up: those that are declared, and those that they are judged by."""
        own = {resource.setting for resource in self.wanted}
        return sorted(own | lists.PRELOADED | risk.COMPANIONS | self.operands.difference(MACHINE))

    @property
    def files(self) -> bool:
        """Whether it matters what the files say."""
        return any(resource.of_instance for resource in self.wanted) or bool(self.operands.difference(MACHINE))

    @property
    def connected(self) -> frozenset[str]:
        """Those of the declared settings that are judged by who is connected."""
        return risk.CONNECTED & {resource.setting for resource in self.wanted}


@dataclass(frozen=True)
class Answers:
    """The answers, by what one looks them up with. Names of settings are in lower case.

    rows          what pg_settings has of each, `absent` what is known of those that it does not list.
    databases     by name, as `roles`; empty where all that is declared is of the instance.
    server        the columns of queries.SERVER.
    owner         those of managed.QUERY.
    connected     those of connected_sessions.QUERY; None where nothing depends on them.
    of_a_restart  what only a restart changes; empty where none may come.
    """

    version_num: int
    rows: Mapping[str, Row]
    absent: Mapping[str, Row]
    databases: Mapping[str, Row]
    roles: Mapping[str, Row]
    server: Row
    owner: Row
    connected: Row | None
    of_a_restart: Sequence[Row]
    of_scopes: Sequence[Row]

    def definition(self, name: str) -> Definition | None:
        """What pg_settings says of the setting itself; None where it does not list it."""
        row = self.rows.get(name)
        return None if row is None else self.defined(name, row)

    def defined(self, name: str, row: Row) -> Definition:
        """The same by a row of its own."""
        return Definition(
            name=name,
            vartype=row["vartype"],
            unit=row["unit"],
            min_val=row["min_val"],
            max_val=row["max_val"],
            enumvals=tuple(row["enumvals"] or forms.words(name, self.version_num)),
            context=row["context"],
            boot_val=row["boot_val"],
            raised_to=self.server["raised_to"] if name == "autovacuum_work_mem" else 0,
            ascii_by=("\\x" if self.version_num >= 160000 else "?") if name in values.NAMES else "",
        )

    def overrides(self, name: str) -> list[tuple[str | None, str | None, Override]]:
        """The values that databases and roles have of their own: database, role, value; None twice: for all roles."""
        found = []
        for row in self.of_scopes:
            key, _, value = row["entry"].partition("=")
            if key.lower() == name:
                parts = [
                    *([f"role {row['role']}"] if row["role"] else []),
                    *([f"database {row['database']}"] if row["database"] else []),
                ]
                override = Override(scope=" in ".join(parts) or obstacles.ALL_ROLES, value=value)
                found.append((row["database"], row["role"], override))
        return found


def ask(session: PostgresSession, question: Question) -> Answers:
    """One round trip. Raises TargetError."""
    names = question.names
    scoped = any(not resource.of_instance for resource in question.wanted)
    own = {"own": list(queries.OWN), "values": list(queries.OWN.values())}
    params = {"names": names, "scoped": scoped, "acting": session.acting_oid, **own, **managed.PARAMS}
    grants = session.version_num >= 150000
    settings = queries.SETTINGS.format(
        may_alter_system=sql.SQL(
            "pg_catalog.has_parameter_privilege(%(acting)s::pg_catalog.oid, name, 'alter system')"
            if grants
            else "false"
        ),
        may_set=sql.SQL(
            "pg_catalog.has_parameter_privilege(%(acting)s::pg_catalog.oid, name, 'set')" if grants else "false"
        ),
    )
    absent = queries.ABSENT.format(
        known=sql.SQL("pg_catalog.pg_settings_get_flags(wanted) is not null" if grants else "null::pg_catalog.bool")
    )
    asked: list[Query] = [
        *(queries.RESET_OWN, settings, queries.RESTORE_OWN),
        *(queries.SERVER, queries.OVERRIDES, queries.DATABASES, queries.ROLES, absent, managed.QUERY),
        *((connected_sessions.QUERY,) if question.connected else ()),
        *((queries.OF_A_RESTART,) if question.restarts else ()),
    ]
    _, rows, _, server, overrides, databases, roles, missing, owners, *others = session.fetch_all(
        [(query, params) for query in asked]
    )
    return Answers(
        version_num=session.version_num,
        rows={row["key"]: row for row in rows},
        absent={row["wanted"]: row for row in missing if row["wanted"] in names},
        databases={row["name"]: row for row in databases},
        roles={row["name"]: row for row in roles},
        server=server[0],
        owner=owners[0],
        connected=others[0][0] if question.connected else None,
        of_a_restart=others[-1] if question.restarts else (),
        of_scopes=overrides,
    )
