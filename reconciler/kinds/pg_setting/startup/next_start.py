"""The server's next start, as the rules look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from reconciler.kinds.pg_setting.observed import Around
from reconciler.kinds.pg_setting.values import Canonical


class Unseen(str):
    """What a rule could not look at, for a note: "whether …". Any other text of a rule is why the server would fail."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Start:
    """What the server will start with, if `name` is changed to what `coming` has for it.

    `coming` and `now` are in each setting's own unit; a setting is missing that this version does not have, or this
    role does not see. `version` is the major one; `superuser`: the role that applies is one.
    """

    name: str
    coming: Mapping[str, Canonical]
    now: Mapping[str, Canonical]
    around: Around
    version: int
    in_recovery: bool = False
    superuser: bool = True
    data_directory: str | None = None

    def number(self, name: str) -> int:
        """What `name` comes to; nought where that is not known."""
        value = self.coming.get(name, 0)
        return int(value) if isinstance(value, int | float) else 0

    def text(self, name: str) -> str:
        """What `name` comes to; empty where that is not known."""
        value = self.coming.get(name, "")
        return value if isinstance(value, str) else ""

    def items(self, name: str) -> tuple[str, ...]:
        """The items of the list that `name` comes to."""
        value = self.coming.get(name, ())
        return value if isinstance(value, tuple) else ()

    def differs(self, name: str) -> bool:
        """Whether `name` comes to something else than what runs."""
        return self.coming.get(name) != self.now.get(name)

    def inside(self, path: str) -> PurePosixPath | None:
        """`path` relative to the data directory; None where it is outside, or that is not known."""
        pure = PurePosixPath(path)
        if ".." in pure.parts:
            return None
        if not pure.is_absolute():
            return pure
        if self.data_directory and pure.is_relative_to(self.data_directory):
            return pure.relative_to(self.data_directory)
        return None
