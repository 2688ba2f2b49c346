"""All gates, in the order in which they are asked: one visible table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from reconciler.applying.gates import (
    age,
    applies_as,
    approvals,
    at_most,
    bounds,
    denied,
    duplicates,
    expected_digest,
    hazards,
    identity,
    known_targets,
    nodes,
    order,
    rollback,
    secrets,
    superseded,
    time_left,
    windows,
)
from reconciler.applying.gates.gate import Facts, Gate


class Moment(Enum):
    """When gates are asked: as soon as what they look at was read."""

    SAVED = auto()
    """A saved plan was read, and nothing else yet: plan, options, now. Of a plan that was just made it is not asked."""
    DECLARED = auto()
    """The YAML was read as well: targets, resources."""
    FOUND = auto()
    """The nodes of the targets were found: nodes, and which secrets cannot be had: unresolved."""
    CONNECTED = auto()
    """There is a session to a node, and no lock on it yet: infos, logins. Asked for one node after the other."""
    BEGINNING = auto()
    """What is made as one is about to begin: the plan has these changes alone, and it is `now` by then."""
    LOOKED = auto()
    """What there is was looked at, and the first step would be next: headrooms. Of what is as planned alone."""


GATES: Mapping[Moment, Sequence[Gate]] = {
    Moment.SAVED: (expected_digest.gate, age.gate),
    Moment.DECLARED: (
        known_targets.gate,
        duplicates.gate,
        order.gate,
        denied.gate,
        approvals.gate,
        rollback.gate,
        windows.gate,
    ),
    Moment.FOUND: (nodes.gate, superseded.gate, hazards.gate, secrets.gate, at_most.gate),
    Moment.CONNECTED: (identity.gate, applies_as.gate),
    Moment.BEGINNING: (time_left.gate,),
    Moment.LOOKED: (bounds.gate,),
}


def enforce(moment: Moment, facts: Facts) -> Facts:
    """`facts`, with what the gates of this moment refuse of single changes.

    Raises the error of the first refusal that has one: HazardNotAllowed, PlanFileError, ApplyError.
    """
    for gate in GATES[moment]:
        for refusal in gate(facts):
            if refusal.error is not None:
                raise refusal.error(refusal.reason, hint=refusal.hint)
            facts = facts.without(refusal)
    return facts
