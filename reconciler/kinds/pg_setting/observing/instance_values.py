"""What the instance has of its settings, and will have at its next start: as it runs, and as its files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.formulas.evaluation import MACHINE
from reconciler.kinds.pg_setting import values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observing import hidden_from_role
from reconciler.kinds.pg_setting.observing.files import Files
from reconciler.kinds.pg_setting.observing.first_round_trip import Answers
from reconciler.kinds.pg_setting.provenance import session_override
from reconciler.kinds.pg_setting.sections import Range
from reconciler.kinds.pg_setting.values.names import nearest, unknown
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.targets.postgres.session import PostgresSession, Row


@dataclass(frozen=True)
class Instance:
    """The answers and the files together; satisfies `planned_values.Answers`."""

    session: PostgresSession
    answers: Answers
    files: Files
    declared: Mapping[str, str | Range]

    @property
    def rows(self) -> Mapping[str, Row]:
        """What pg_settings has, by name."""
        return self.answers.rows

    def known(self, name: str) -> Definition:
        """The setting itself. Raises InvalidValue where pg_settings does not list it."""
        definition = self.answers.definition(name)
        if definition is None:
            raise InvalidValue(self._why_absent(name))
        return definition

    def _why_absent(self, name: str) -> str:
        if self.is_unlisted(name):
            return f"{name} is not visible to role {self.answers.server['role']}"
        near = nearest(name, [*self.answers.absent[name]["names"], *MACHINE])
        return unknown(name, near, self.answers.version_num)

    def is_unlisted(self, name: str) -> bool:
        """Whether one of `absent` is a setting of the server all the same. One round trip, for the first before 15."""
        known: bool | None = self.answers.absent[name]["known"]
        return name in self._unlisted if known is None else known

    @cached_property
    def _unlisted(self) -> frozenset[str]:
        return hidden_from_role.existing(self.session, self.answers.absent)

    def current(self, name: str) -> str | None:
        """What the instance will have of a setting that nobody changes; None where that is not visible."""
        row, entries = self.rows[name], self.files.entries.get(name)
        if entries and not self.given(name) and values.read(self.known(name), entries[-1].setting) is not None:
            return entries[-1].setting
        found: str | None = row["setting"]
        if session_override(row["source"]):
            found = row["boot_val"] if self.files.visible else None
        return found

    def after_reset(self, name: str) -> str | None:
        """What the instance will have of a setting after ALTER SYSTEM RESET."""
        row = self.rows[name]
        below = next((entry for entry in reversed(self.files.entries.get(name, ())) if not entry.by_alter_system), None)
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
        return row["boot_val"] if derived and not self.files.entries.get(name) else self.current(name)

    def preloaded(self, name: str) -> values.Canonical | None:
        """The libraries of a list such as shared_preload_libraries at the next start, as the files have it."""
        return values.read(self.known(name), self.current(name)) if name in self.rows else None

    def running(self, name: str) -> values.Canonical | None:
        """What it runs with."""
        return values.read(self.known(name), self.rows[name]["setting"]) if name in self.rows else None


def of(session: PostgresSession, answers: Answers, files: Files, declared: Mapping[str, str | Range]) -> Instance:
    """What stands on the server's command line stays, whatever of it is declared."""
    fixed = {name for name, row in answers.rows.items() if row["source"] == "command line"}
    return Instance(session, answers, files, {name: value for name, value in declared.items() if name not in fixed})
