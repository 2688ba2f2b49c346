"""Small kinds for the tests of desired/: the shapes of the examples in the README, and nothing behind them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal

from pydantic import Field

from reconciler.errors import DesiredError
from reconciler.kind import Declaration
from reconciler.model import Address, Frozen, Resource, SecretRef, System
from reconciler.yaml.verbatim_text import Text


class Index(Frozen):
    columns: list[Text] = Field(min_length=1)
    include: list[Text] = []
    using: Literal["btree", "gin", "brin"] = "btree"
    unique: bool = False
    where: Text | None = None
    why: Text = ""


class RawIndex(Frozen):
    sql: Text


class Table(Frozen):
    unlisted_indexes: Literal["keep", "report", "drop"] = "keep"
    indexes: dict[str, Literal["absent"] | Index | RawIndex] = {}


class Include(Frozen):
    include: list[Text]


class Range(Frozen):
    at_least: int | None = None
    at_most: int | None = None
    otherwise: int


class Settings(Frozen):
    settings: dict[str, Text | Include | Range]


class User(Frozen):
    rules: Text
    password: SecretRef


class RedisSettingCheck(Frozen):
    redis_setting: Text
    greater_than: int


class RedisUserCheck(Frozen):
    redis_user: Text
    may_not: list[Text]


class Waiver(Frozen):
    until: date
    by: Text
    reason: Text


class Item(Frozen):
    id: Text
    title: Text = ""
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    check: RedisSettingCheck | RedisUserCheck
    waiver: Waiver | None = None


class Standin:
    """A kind whose resources are the named entries of its sections."""

    resource: Any = Resource

    def __init__(self, name: str, system: System | None, sections: dict[str, Any]) -> None:
        self.name = name
        self.nouns = (name, f"{name}s")
        self.system = system
        self.sections = sections

    def names(self, declaration: Declaration) -> Iterable[tuple[str, tuple[str | int, ...]]]:
        for name in declaration.value:
            yield name, (name,)

    def declare(self, declaration: Declaration) -> Iterable[Resource]:
        for name, path in self.names(declaration):
            address = Address(declaration.target.name, self.name, name)
            yield Resource(address=address, declared_at=declaration.at(path))

    def observe(self, session: Any, wanted: Any) -> Any:
        raise NotImplementedError

    def plan(self, desired: Any, observed: Any) -> Any:
        raise NotImplementedError


class IndexKind(Standin):
    def names(self, declaration):
        for table, section in declaration.value.items():
            if "." not in table:
                raise DesiredError(f"the table {table} has no schema", at=declaration.at((table,)))
            for name in section.indexes:
                yield f"{table.partition('.')[0]}.{name}", (table, "indexes", name)


class CheckKind(Standin):
    def names(self, declaration):
        for number, item in enumerate(declaration.value):
            yield item.id, (number, "id")


INDEXES = IndexKind("pg_index", System.POSTGRES, {"tables": dict[str, Table]})
PG_SETTINGS = Standin(
    "pg_setting",
    System.POSTGRES,
    {
        "settings": dict[str, Text | Include | Range],
        "databases": dict[str, Settings],
        "roles": dict[str, Settings],
    },
)
REDIS_SETTINGS = Standin("redis_setting", System.REDIS, {"settings": dict[str, Text | SecretRef]})
USERS = Standin("redis_user", System.REDIS, {"users": dict[str, Literal["absent"] | User]})
CHECKS = CheckKind("check", None, {"checklist": list[Item]})

KINDS = [INDEXES, PG_SETTINGS, REDIS_SETTINGS, USERS, CHECKS]
