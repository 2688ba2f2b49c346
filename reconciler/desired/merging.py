"""What all documents declare, put together: defaults overridden, parts of one thing made one, nothing declared twice.

Decided: docs/decisions.md#defaults
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.errors import DesiredError
from reconciler.kind import AnyKind, Gathers
from reconciler.model import Address, Resource


class Part(NamedTuple):
    """A resource, and where its section is, for one that has no place of its own. `is_default`: of a document whose
    declarations others may override."""

    resource: Resource
    section_at: str
    is_default: bool = False

    @property
    def at(self) -> str:
        """Where it is declared."""
        return self.resource.declared_at or self.section_at


class Overridden(NamedTuple):
    """What is left of all parts, and by address where those are that nothing is left of. `rules`: those of defaults
    about what nobody lists, as they were before something of them was overridden."""

    parts: Sequence[Part]
    places: Mapping[Address, tuple[str, ...]]
    rules: Sequence[Resource] = ()


def overridden(parts: Sequence[Part]) -> Overridden:
    """`parts` without what is overridden of defaults."""
    if not any(part.is_default for part in parts):
        return Overridden(parts, {})
    others: dict[Address, list[Resource]] = {}
    for part in parts:
        if not part.is_default:
            others.setdefault(part.resource.address, []).append(part.resource)
    kept: list[Part] = []
    rules: list[Resource] = []
    places: dict[Address, tuple[str, ...]] = {}
    for part in parts:
        address = part.resource.address
        if part.is_default and address in others and not part.resource.stands_for_itself:
            rules.append(part.resource)
        left = _left(part.resource, others.get(address, ())) if part.is_default else part.resource
        if left is None:
            places[address] = (*places.get(address, ()), part.at)
        else:
            kept.append(part._replace(resource=left))
    return Overridden(kept, places, rules)


def _left(resource: Resource, others: Iterable[Resource]) -> Resource | None:
    left: Resource | None = resource
    for other in others:
        left = left and left.left_beside(other)
    return left


def gathered(kinds: Sequence[AnyKind], parts: Sequence[Part], errors: list[DesiredError]) -> list[Resource]:
    """The resources, each once, in the order of the files; what is wrong is added to `errors`."""
    places = {id(part.resource): part.section_at for part in parts}
    found: dict[Address, Resource] = {}
    for kind in kinds:
        mine: Sequence[Resource] = [part.resource for part in parts if part.resource.address.kind == kind.name]
        if isinstance(kind, Gathers):
            try:
                mine = kind.gathered(mine)
            except DesiredError as error:
                errors.append(error)
                continue
        for resource in mine:
            first = found.setdefault(resource.address, resource)
            if first is not resource:
                at = resource.declared_at or places.get(id(resource), "")
                errors.append(_twice(first, resource, at))
    order: dict[Address, int] = {}
    for part in parts:
        order.setdefault(part.resource.address, len(order))
    return sorted(found.values(), key=lambda resource: order[resource.address])


def _twice(first: Resource, second: Resource, at: str) -> DesiredError:
    elsewhere = f"; the first one is at {first.declared_at}" if first.declared_at else ""
    return DesiredError(f"{second.address} is declared twice{elsewhere}", at=at, hint="remove one of them")
