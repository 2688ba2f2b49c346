"""From the sections of the YAML to resources: one for each name in each scope, and what may not stand there."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import DesiredError
from reconciler.formulas.quantities import FormulaError
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import unlisted
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.sections import Settings
from reconciler.kinds.pg_setting.unlisted import Declared
from reconciler.kinds.pg_setting.values import names, offline
from reconciler.model import Address, SecretRef

NAME = "pg_setting"
"""Of the kind, in addresses."""


def declare(declaration: Declaration) -> Iterator[Declared]:
    """The resources of one section. Pure. Raises DesiredError."""
    value = declaration.value
    match declaration.section:
        case unlisted.SECTION:
            yield unlisted.declare_unlisted(declaration)
        case "settings":
            yield from _declared(declaration, value, ())
        case "databases":
            for database, section in value.items():
                yield from _declared(declaration, section.settings, (database, "settings"), database=database)
        case "roles":
            for role, section in value.items():
                yield from _declared(declaration, section.settings, (role, "settings"), role=role)
                for database, inner in section.databases.items():
                    path = (role, "databases", database, "settings")
                    yield from _declared(declaration, inner.settings, path, role=role, database=database)


def _declared(
    declaration: Declaration,
    settings: Settings,
    path: tuple[str, ...],
    *,
    database: str | None = None,
    role: str | None = None,
) -> Iterator[PgSetting]:
    beside = offline.Beside(declaration.target, settings if role is None and database is None else {})
    for written, value in settings.items():
        at = declaration.at((*path, written))
        setting = written.lower()
        if not names.PATTERN.fullmatch(setting):
            raise DesiredError(f"{written!r} is not the name of a setting", at=at, hint="for example work_mem")
        if isinstance(value, SecretRef) and (value.env is None) == (value.file is None):
            raise DesiredError(f"{written}: a secret is {{env: NAME}} or {{file: PATH}}, not both, not neither", at=at)
        if setting in names.SENSITIVE and isinstance(value, str) and names.PASSWORD.search(value):
            raise DesiredError(
                f"{written} has a password in it, and this file is no place for one",
                at=at,
                hint="write passfile=… instead, and keep the password in that file on the server",
            )
        try:
            beside.check(setting, value)
        except FormulaError as error:
            raise DesiredError(f"{written}: {error}", at=at) from None
        resource = PgSetting(
            address=Address(declaration.target.name, NAME, setting),
            declared_at=at,
            setting=setting,
            database=database,
            role=role,
            value=value,
        )
        if not resource.of_instance:
            address = resource.address._replace(name=resource.own_name)
            resource = resource.model_copy(update={"address": address})
        yield resource
