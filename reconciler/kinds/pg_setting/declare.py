"""From the sections of the YAML to resources: one for each name in each scope, and what may not stand there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.errors import Collected, DesiredError
from reconciler.formulas.quantity_arithmetic import FormulaError
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import unlisted
from reconciler.kinds.pg_setting.model import NAME, PgSetting
from reconciler.kinds.pg_setting.sections import UNLISTED, Settings, Value
from reconciler.kinds.pg_setting.unlisted import Declared
from reconciler.kinds.pg_setting.values import names, offline
from reconciler.model import Address, SecretRef


def declare(declaration: Declaration) -> Iterator[Declared]:
    """The resources of one section. Pure. Raises DesiredError."""
    if declaration.section == UNLISTED:
        yield unlisted.declare_unlisted(declaration)
        return
    wrong = Collected()
    for scope in _scopes(declaration):
        beside = offline.Beside(declaration.target, scope.settings if scope.of_instance else {})
        for written, value in scope.settings.items():
            with wrong.noted():
                yield _setting(declaration, scope, beside, written, value)
    wrong.tell()


class _Scope(NamedTuple):
    """Settings of the instance, of a database, of a role, or of a role in a database; `path` leads to them."""

    settings: Settings
    path: tuple[str, ...]
    database: str | None = None
    role: str | None = None

    @property
    def of_instance(self) -> bool:
        return self.database is None and self.role is None


def _scopes(declaration: Declaration) -> Iterator[_Scope]:
    value = declaration.value
    match declaration.section:
        case "settings":
            yield _Scope(value, ())
        case "databases":
            for database, section in value.items():
                yield _Scope(section.settings, (database, "settings"), database=database)
        case "roles":
            for role, section in value.items():
                yield _Scope(section.settings, (role, "settings"), role=role)
                for database, inner in section.databases.items():
                    yield _Scope(inner.settings, (role, "databases", database, "settings"), database, role)


def _setting(declaration: Declaration, scope: _Scope, beside: offline.Beside, written: str, value: Value) -> PgSetting:
    at = declaration.at((*scope.path, written))
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
        database=scope.database,
        role=scope.role,
        value=value,
    )
    if not resource.of_instance:
        address = resource.address._replace(name=resource.own_name)
        resource = resource.model_copy(update={"address": address})
    return resource
