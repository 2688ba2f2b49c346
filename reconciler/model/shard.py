"""A part of a fleet, that one runner takes."""

from __future__ import annotations

from pydantic import Field

from reconciler.model.base import Frozen


class Shard(Frozen):
    """The `number`-th of so many, counted from 0: `3/16` is the fourth of sixteen."""

    number: int = Field(ge=0)
    of: int = Field(ge=1)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"
