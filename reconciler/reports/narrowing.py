"""What a plan was narrowed to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from reconciler.model import Address, Partial
from reconciler.reports.characters import visible
from reconciler.reports.labels import Number, listed

PULLED_IN: Number = ("change was not asked for and is among them", "changes were not asked for and are among them")
LEFT_OUT: Number = ("other change is left out", "other changes are left out")
IT: Number = ("it", "them")

MOST_NAMES = 5
"""Of what was asked for, so much is said; of more, the number."""


def narrowed_summary(partial: Partial | None) -> list[str]:
    """`Narrowed to main/pg_index/public.tasks_*, and nothing is said of the rest.`; nothing where it was not."""
    if partial is None:
        return []
    return [f"Narrowed to {narrowed_to(partial)}, and nothing is said of the rest."]


def narrowed_to(partial: Partial) -> str:
    """What was asked for, in words."""
    named = [*partial.to[:MOST_NAMES]]
    if len(partial.to) > MOST_NAMES:
        named.append(f"{len(partial.to) - MOST_NAMES} more")
    return visible(listed(named) + (f" where {partial.where}" if partial.where else ""))


def as_arguments(partial: Partial | None) -> str:
    """What a plan was narrowed to, as somebody types it behind a verb; empty where it was not, or by too much to
    repeat."""
    if partial is None or len(partial.to) > MOST_NAMES:
        return ""
    where = ["--where", partial.where] if partial.where else []
    return visible("".join(f" {shlex.quote(word)}" for word in (*partial.to, *where)))


def pulled_in(partial: Partial | None, *, many: bool = False) -> Mapping[Address, str]:
    """By address, why a change is in a plan that nobody asked for it in; of `many` targets without the name of its own,
    so that the same is said of all of them."""
    found = {}
    for address, other in ((each.address, each.needed_by) for each in (partial.pulled_in if partial else ())):
        leans = f"{other.kind}/{other.name}" if many and other.target == address.target else other
        found[address] = f"not asked for: {leans} leans on it"
    return found
