"""What all documents declare, put together: parts of one thing made one, and nothing declared twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.errors import DesiredError
from reconciler.kind import AnyKind, Gathers
from reconciler.model import Address, Resource


class Part(NamedTuple):
    """A resource, and where its section is, for one that has no place of its own."""

    resource: Resource
    section_at: str


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
