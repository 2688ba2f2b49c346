"""The base of all models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import RLock
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

_BUILDING = RLock()


class Frozen(BaseModel):
    """Base of all models: immutable, and nothing unknown slips in.

    What validates one is built when the first of it is made: a run needs few of them, and building all took a fifth of
    what it takes to begin.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """As pydantic builds it, one at a time: targets are read in threads, and not every version sees to that."""
        with _BUILDING:
            return super().model_rebuild(
                force=force,
                raise_errors=raise_errors,
                _parent_namespace_depth=_parent_namespace_depth + 1,
                _types_namespace=_types_namespace,
            )

    @classmethod
    def of_known(cls, **values: Any) -> Self:
        """A model of values that are right, since they come from a catalogue and not from people: none is validated.

        As `model_construct`, which looks at each field in Python: a plan of 10,000 indexes makes 21,000 of them. All
        models share what a field has by default, which has to be immutable for that.
        """
        made = cls.__new__(cls)
        _set(made, "__dict__", {**_defaults(cls), **values})
        _set(made, "__pydantic_fields_set__", _said(tuple(values)))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


_set = object.__setattr__


@cache  # as many as there are places that make models
def _said(names: tuple[str, ...]) -> set[str]:
    """One set for all models that are made of the same values; a copy of a model takes a copy of it along."""
    return set(names)


@cache  # as many as there are models
def _defaults(model: type[BaseModel]) -> Mapping[str, Any]:
    """What the fields of a model are where nobody says anything, in their order; those that have to be said among them,
    since a model is written in the order in which it was made."""
    return {
        name: ... if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }
