"""Which changes of a plan bring about what the YAML no longer declares, or mend a difference that it ignores by now: a
plan waits for its apply, and YAML goes on.

Declarations are compared as they are read, never what their formulas come to on a server, and each for itself: what
else has been merged meanwhile is no business of a change.

Decided: docs/decisions.md#superseded-changes, docs/decisions.md#ignored-differences
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from types import MappingProxyType

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.kind import Derives, Displaces
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Address, Applied, Change, Resource, Target
from reconciler.planning.ignoring import Ignoring
from reconciler.planning.staleness import differences_between, resource_of

NOTHING: Mapping[Address, str] = MappingProxyType({})


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses changes of what the YAML no longer declares so, or ignores by now, unless they are allowed by name; the
    others are made.

    Nothing that a rollback makes is declared: see `rollback.py`.
    """
    if facts.plan.rolls_back is not None:
        return
    found = _ignored(facts)
    if facts.resources is not None:
        found = superseded(facts.changes, facts.resources, facts.nodes, found)
    for address, why in found.items():
        if address not in facts.options.allowed_superseded:
            way_out = f"make a new plan, or allow it: --allow-superseded {address}"
            yield Refusal(why, way_out, None, (address,), Applied.SUPERSEDED)


def _ignored(facts: Facts) -> dict[Address, str]:
    """By address, by which rule the difference is ignored that a change would mend."""
    ignoring = Ignoring(facts.ignore, facts.now.astimezone(UTC).date())
    found: dict[Address, str] = {}
    for change in facts.changes:
        by = ignoring.ignored(change, facts.nodes[change.address.target].node_of or change.address.target)
        if by is not None:
            place = f" ({by.rule})" if by.rule else ""
            found[change.address] = f"its difference is ignored by now, until {by.until}{place}: {by.reason}"
    return found


def superseded(
    changes: Sequence[Change],
    declared: Iterable[Resource],
    nodes: Mapping[str, Target],
    ignored: Mapping[Address, str] = NOTHING,
) -> dict[Address, str]:
    """By address, why a change is superseded by what is `declared` now, or `ignored`. `nodes`: all nodes of the
    targets, by name.

    Raises PlanFileError where a change holds no resource.
    """
    known = {resource.address: resource for resource in declared}
    found = {**ignored}
    derived: list[tuple[Change, Sequence[Address]]] = []
    for change in changes:
        if change.address in found:
            continue
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
            no_longer = "is ignored by now" if any(each in ignored for each in sources) else "is no longer declared"
            found[change.address] = f"what it was planned for {no_longer}"
    return found
