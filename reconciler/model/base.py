"""The base of all models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all models: immutable, and nothing unknown slips in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of_known(cls, **values: Any) -> Self:
        """A model of values that are right, since they come from a catalogue and not from people: none is validated.

        As `model_construct`, which looks at each field in Python: a plan of 10,000 indexes makes 21,000 of them. All
        models share what a field has by default, which has to be immutable for that.
        """
        made = cls.__new__(cls)
        object.__setattr__(made, "__dict__", {**_defaults(cls), **values})
        object.__setattr__(made, "__pydantic_fields_set__", set(values))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


@cache  # as many as there are models
def _defaults(model: type[BaseModel]) -> Mapping[str, Any]:
    """What the fields of a model are where nobody says anything, in their order."""
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if not field.is_required()
    }
