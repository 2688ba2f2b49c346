"""What is declared, and what a live system shows of it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import JsonValue

from reconciler.model.address import Address
from reconciler.model.base import Frozen


class Resource(Frozen):
    """One declared thing. Kinds derive their own.

    `why` is the author's reason, shown in the plan. `declared_at` is `file:line:column`, for errors and reviews; it is
    never compared. `carried` names the fields that planning fills in, because apply looks at one resource at a time:
    nobody declares them.
    """

    carried: ClassVar[frozenset[str]] = frozenset()

    stands_for_itself: ClassVar[bool] = True
    """False for a rule about things that it does not name; those are not counted."""

    address: Address
    why: str = ""
    declared_at: str = ""

    @property
    def is_to_exist(self) -> bool:
        """Whether it is declared to be there: not one that is declared absent, nor a rule."""
        return self.stands_for_itself

    @property
    def own_name(self) -> str:
        """The name that its address has to have, by what it declares."""
        return self.address.name

    def left_beside(self, other: Resource) -> Resource | None:
        """What is left of it where `other`, at the same address, overrides it; None: nothing. Pure.

        Of a rule all that `other` does not say.
        """
        return None

    def declaration(self) -> dict[str, JsonValue]:
        """What somebody has written of it, as far as it decides anything, by the words that people are told."""
        return self.model_dump(mode="json", exclude={"address", "why", "declared_at", *self.carried})


class Observed(Frozen):
    """What a live system shows of one resource, and all that `Kind.plan` needs to decide. Kinds derive their own."""
