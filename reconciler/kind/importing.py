"""What a kind may offer so that a live target can be written down as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from reconciler.kind import SessionT_contra


@runtime_checkable
class Imports(Protocol[SessionT_contra]):
    """A kind that can write down what a target has, as the YAML that declares it."""

    def written(self, session: SessionT_contra) -> Mapping[str, Any]:
        """By section, what `declare` would read: plain dicts, lists and texts. A plan of it is empty.

        Raises TargetError.
        """
        ...


@runtime_checkable
class InSchemas(Protocol):
    """A kind of which one section's entries belong to schemas."""

    @property
    def section_of_schemas(self) -> str:
        """The key of that section, one of `Kind.sections`."""
        ...

    def schema_of(self, entry: str) -> str:
        """The schema of an entry, by its key."""
        ...
