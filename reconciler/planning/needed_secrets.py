"""Which secrets are looked up while a change is made.

Decided: docs/decisions.md#secrets-before-the-first-step
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel

from reconciler.model import Change, SecretRef
from reconciler.planning.staleness import resource_of


def needed(change: Change) -> Collection[SecretRef]:
    """By its steps, by what undoes them, and by each look at what it is to bring about.

    Raises PlanFileError where the change holds no resource.
    """
    return dict.fromkeys(_named((change.steps, change.undo, resource_of(change))))


def _named(value: object) -> Iterator[SecretRef]:
    """Those that a model names, or what holds models: in whichever of its fields."""
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _named(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _named(each)
