"""What a kind may say of things that nobody lists, for `reconciler explain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from reconciler.kind import ResourceT_contra
from reconciler.model import Address


class Ruling(NamedTuple):
    """What a rule about things that nobody lists says of one of them, and where the rule is declared. `only_by`: by
    what no file knows it is decided whether it is about that one at all."""

    policy: str
    pattern: str
    at: str
    only_by: str = ""


@runtime_checkable
class Rules(Protocol[ResourceT_contra]):
    """A kind in which it is declared what becomes of what nobody lists."""

    def rulings(self, address: Address, declared: Sequence[ResourceT_contra]) -> Sequence[Ruling]:
        """Those about what may stand at `address`, the closest first. Pure. Raises UsageError where no such address
        has any."""
        ...
