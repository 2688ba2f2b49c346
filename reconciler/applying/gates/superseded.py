"""Which changes of a plan bring about what the YAML no longer declares: a plan waits for its apply, and YAML goes on.

Declarations are compared as they are read, never what their formulas come to on a server, and each for itself: what
else has been merged meanwhile is no business of a change.

Decided: docs/decisions.md#superseded-changes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.kind import Derives, Displaces
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Applied, Change, Resource, Target
from reconciler.planning.staleness import differences_between, resource_of


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses changes of what the YAML no longer declares so, unless they are allowed by name; the others are made.

    Nothing that a rollback makes is declared: see `rollback.py`.
    """
    if facts.resources is None or facts.plan.rolls_back is not None:
        return
    for address, why in superseded(facts.changes, facts.resources, facts.nodes).items():
        if address not in facts.options.allowed_superseded:
            way_out = f"make a new plan, or allow it: --allow-superseded {address}"
            yield Refusal(why, way_out, None, (address,), Applied.SUPERSEDED)


def superseded(
    changes: Sequence[Change], declared: Iterable[Resource], nodes: Mapping[str, Target]
) -> dict[Address, str]:
    """By address, why a change is superseded by what is `declared` now. `nodes`: all nodes of the targets, by name.

    Raises PlanFileError where a change holds no resource.
    """
    known = {resource.address: resource for resource in declared}
    found: dict[Address, str] = {}
    derived: list[tuple[Change, Sequence[Address]]] = []
    for change in changes:
        resource = resource_of(change)
        # What is declared of a target holds for each of its nodes.
        target = nodes[change.address.target].node_of or change.address.target
        resource = resource.model_copy(update={"address": resource.address._replace(target=target)})
        now = known.get(resource.address)
        kind = BY_NAME[change.address.kind]
        if now is not None:
            said = differences_between(resource.declaration(), now.declaration())
            if said:
                place = f" ({now.declared_at})" if now.declared_at else ""
                found[change.address] = f"it is declared otherwise by now{place}: {'; '.join(said)}"
            elif isinstance(kind, Displaces) and not kind.displaces(resource, known):
                found[change.address] = "what it takes the place of is no longer declared to go"
        elif isinstance(kind, Derives) and (sources := kind.derived_from(resource, known)):
            derived.append((change, [each._replace(target=change.address.target) for each in sources]))
        else:
            found[change.address] = "it is no longer declared"
    for change, sources in derived:
        target = nodes[change.address.target].node_of or change.address.target
        if all(each in found or each._replace(target=target) not in known for each in sources):
            found[change.address] = "what it was planned for is no longer declared"
    return found
