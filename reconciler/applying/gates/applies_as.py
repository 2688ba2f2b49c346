"""Whoever logged in is who the target says applies it.

Decided: docs/decisions.md#who-will-apply
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.errors import ApplyError
from reconciler.model import PostgresTarget


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses to apply by another login than `apply_as`: its rights are not those that the plan was judged by, and what
    it makes would not belong to the target's `role`."""
    for name, login in facts.logins.items():
        target = facts.nodes[name]
        if isinstance(target, PostgresTarget) and target.apply_as and login != target.apply_as:
            yield Refusal(
                f"{name} is to be applied as {target.apply_as}, and {login} has logged in",
                f"use the URL of {target.apply_as}, or change `apply_as` of the target",
                ApplyError,
            )
