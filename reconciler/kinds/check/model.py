"""What the YAML of a checklist may say, and the item that comes of it.

Decided: docs/decisions.md#several-checks-in-one-item
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from reconciler.kinds.check.field_types import Words
from reconciler.kinds.check.types import TYPES
from reconciler.model import Frozen, Resource, Severity
from reconciler.yaml.dates import Day
from reconciler.yaml.suggestions import unknown

_KEYS = {check_type.model: key for key, check_type in TYPES.items()}


def key_of(check: Frozen) -> str:
    """The key of the type that a check is of."""
    return _KEYS[type(check)]


def _key(value: Any) -> str | None:
    """The key that says which type of check `value` is: of YAML, or of a model. None where there is none."""
    if isinstance(value, Mapping):
        return next((name for name in value if name in TYPES), None)
    return _KEYS.get(type(value))


def _tag(value: Any) -> str | None:
    key = _key(value)
    return f"{key} check" if key else None  # unlike any key: a tag in an error's location must not be taken for one


def _knows_its_type(value: object) -> object:
    if isinstance(value, Mapping) and _key(value) is None:
        raise ValueError(unknown("type of check", str(next(iter(value), "")), TYPES))
    return value


if TYPE_CHECKING:
    Check = Frozen
else:
    Check = Annotated[
        Union[tuple(Annotated[each.model, Tag(f"{key} check")] for key, each in TYPES.items())],  # noqa: UP007 - made
        Discriminator(_tag),
        BeforeValidator(_knows_its_type),
    ]
    """A check of any type."""


def _all_of(value: object) -> object:
    return [value] if isinstance(value, Mapping | Frozen) else value


def _alone(checks: tuple[Frozen, ...]) -> tuple[Frozen, ...]:
    for check in checks if len(checks) > 1 else ():
        key = key_of(check)
        if TYPES[key].decided_by_plan is not None:
            said = f"{key}: {getattr(check, key)}"
            raise ValueError(f"`{said}` is decided by the plan, and stands alone: give it an item of its own")
    return checks


Checks = Annotated[
    tuple[Check, ...],
    BeforeValidator(_all_of, json_schema_input_type=Check | tuple[Check, ...]),
    Field(min_length=1),
    AfterValidator(_alone),
]
"""One check, or a list of which all have to be passed."""


class Waiver(Frozen):
    """A failing item is accepted up to and including `until`. `for` binds it to one definition of the check
    (`waiver.fingerprint`): once the definition changes, it counts for nothing."""

    until: Day
    by: Words
    reason: Words
    bound_to: str | None = Field(default=None, alias="for", pattern=r"^[0-9a-f]{8}$")


class Item(Frozen):
    """One item of a checklist, as the YAML has it."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Words
    severity: Severity = Severity.MEDIUM
    check: Checks
    waiver: Waiver | None = None
    why: str = ""


class CheckItem(Resource):
    """One item of a checklist on its target. Relative paths of the check start in `folder`, and lead out of
    `repository` nowhere."""

    title: str
    severity: Severity
    checks: Checks
    waiver: Waiver | None = None
    folder: str = "."
    repository: str = "."
