"""What can be declared of PostgreSQL's settings, and what a server shows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from reconciler.kinds.pg_setting.sections import Value
from reconciler.model import Frozen, Resource

NAME = "pg_setting"
RESTART = "pg_restart"
"""The names of both kinds."""


class PgSetting(Resource):
    """One declared setting: of the whole instance, or of a database, a role, or a role in a database.

    `setting` is in lower case. `beside` is what is declared of the settings that its value leans on (see coming):
    planning sees all of them together, and a change carries them along, because apply looks at one at a time.
    `after_restart`: when the change was planned, the library that defines it was still to be loaded (see late).
    `below`: of an undoing, whose value is `default`: what counts once ALTER SYSTEM has no part in it, whichever file
    that comes from. None: the built-in default is wanted.
    """

    carried: ClassVar[frozenset[str]] = frozenset({"beside", "after_restart", "below"})

    setting: str
    database: str | None = None
    role: str | None = None
    value: Value
    beside: Mapping[str, Value] = {}
    after_restart: bool = False
    below: str | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def own_name(self) -> str:
        """See `Resource.own_name`."""
        return self.setting if self.of_instance else f"{self.scope}/{self.setting}"

    @property
    def of_instance(self) -> bool:
        """Whether it is set by ALTER SYSTEM."""
        return self.database is None and self.role is None

    @property
    def scope(self) -> str:
        """`instance`, `database app`, `role reporting`, `role reporting in database app`."""
        parts = [
            *([f"role {self.role}"] if self.role is not None else []),
            *([f"database {self.database}"] if self.database is not None else []),
        ]
        return " in ".join(parts) or "instance"


class Definition(Frozen):
    """What the server knows of a setting. `min_val` and `max_val` are in multiples of `unit`, as text. `enumvals`: the
    words of an enum, and of a list that takes no others.

    `raised_to` is the least that autovacuum_work_mem really takes, in kB; nought for all others. `unloaded`: no library
    has defined it, or may not have (see unloaded). `ascii_by`: what the server makes of each byte of a name that is no
    ASCII: `?`, or `\\x` and its number; empty for what it leaves as it is.
    """

    name: str
    vartype: Literal["bool", "enum", "integer", "real", "string"]
    unit: str = ""
    min_val: str | None = None
    max_val: str | None = None
    enumvals: tuple[str, ...] = ()
    context: str
    boot_val: str | None = None
    raised_to: int = 0
    unloaded: bool = False
    ascii_by: Literal["", "?", "\\x"] = ""


class Restart(Resource):
    """A restart of the server, for settings that wait for one; derived from a plan's other changes, never declared.

    command    as in RestartStep; `after_primary` likewise.
    settings   their names, in lower case.
    """

    command: str
    settings: tuple[str, ...]
    after_primary: bool = False
