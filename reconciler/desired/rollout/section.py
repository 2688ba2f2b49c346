"""What the YAML may say of a rollout.

Decided: docs/decisions.md#waves
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema, model_validator

from reconciler.formulas.units import POSTGRES_TIME
from reconciler.model import LONGEST_BAKE, MOST_AT_ONCE, Frozen, Unreached
from reconciler.yaml.verbatim_text import Text

MICROSECONDS: Mapping[str, int] = {"m": POSTGRES_TIME["min"], **POSTGRES_TIME}
"""PostgreSQL's units, and the minute as all who deploy in waves write it."""

MOST_WAVES = 100
"""Steps of one percent each: more than anybody watches."""

ALL = Decimal(100)
"""Percent."""


def _share(value: object) -> Decimal:
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%", value) if isinstance(value, str) else None
    share = Decimal(found[1]) if found else Decimal(0)
    if not 0 < share <= ALL:
        raise ValueError("expected a share of all targets, above 0% and up to 100%, like 25%")
    return share


def _seconds(value: object) -> int:
    found = re.fullmatch("([0-9]{1,9}) ?([a-z]+)", value) if isinstance(value, str) else None
    if not found or found[2] not in MICROSECONDS:
        raise ValueError("expected a duration, like 90s, 30m or 2h")
    seconds = -(-int(found[1]) * MICROSECONDS[found[2]] // 1_000_000)  # rounded up: never shorter than declared
    if seconds > LONGEST_BAKE:
        raise ValueError("nobody waits longer than 7d for a wave to bake")
    return seconds


Share = Annotated[Decimal, BeforeValidator(_share, json_schema_input_type=str), WithJsonSchema({"type": "string"})]
Seconds = Annotated[int, BeforeValidator(_seconds, json_schema_input_type=str), WithJsonSchema({"type": "string"})]


class WaveSection(Frozen):
    """One wave: which targets it takes, and what has to be so before the next one."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["where"]}, {"required": ["share"]}]})

    where: Text | None = Field(None, description="Targets by labels, name and system: tier = canary.")
    share: Share | None = Field(
        None,
        description="So much of all targets is done behind it, beside what a `where` took: 25%, in the end 100%.",
    )
    bake: Seconds = Field(0, description="How long to wait behind its last target: 90s, 30m, 2h.")
    checks: Literal["pass"] | None = Field(
        None, description="pass: the next wave waits until the checks that are declared for its targets have passed."
    )

    @model_validator(mode="after")
    def _chosen_in_one_way(self) -> Self:
        if (self.where is None) == (self.share is None):
            raise ValueError("a wave has exactly one of `where` and `share`")
        return self

    @property
    def by(self) -> str:
        """How its targets are chosen, in a line."""
        return f"where {' '.join(self.where.split())}" if self.where is not None else f"share {self.share}%"


class RolloutSection(Frozen):
    """In which waves the plans of a fleet are applied, and when that ends early."""

    model_config = ConfigDict(title="Rollout")

    waves: list[WaveSection] = Field(
        min_length=1, max_length=MOST_WAVES, description="One after the other; a target is in the first that fits."
    )
    at_once: int | None = Field(
        None, ge=1, le=MOST_AT_ONCE, description="Servers that are worked on at the same time; else as --jobs says."
    )
    stop_after: int = Field(1, ge=1, description="Failures in all, at which nothing more is begun.")
    stop_after_unreachable: int | None = Field(
        None, ge=1, description="The same of targets that do not answer, where these are left for later, or out."
    )
    unreachable: Unreached = Field(
        Unreached.ERROR,
        description="What becomes of targets that do not answer. error: they count as failures; later: they are tried "
        "once more behind the last wave; skip: they are left out, and the run ends with 1 all the same.",
    )

    @model_validator(mode="after")
    def _counted_once(self) -> Self:
        if self.stop_after_unreachable is not None and self.unreachable is Unreached.ERROR:
            raise ValueError(
                "with `unreachable: error`, targets that do not answer count as failures, and `stop_after` says how "
                "many: stop_after_unreachable is for later and skip"
            )
        return self

    @model_validator(mode="after")
    def _shares_rise(self) -> Self:
        before = Decimal(0)
        for number, wave in enumerate(self.waves, 1):
            if before == ALL:
                raise ValueError(f"wave {number} is behind one of 100%, which leaves no target for it")
            if wave.share is not None and wave.share <= before:
                raise ValueError(
                    f"wave {number} has the share {wave.share}%, and an earlier one {before}%: shares are of all "
                    "targets, earlier waves included, and rise"
                )
            before = wave.share or before
        return self


ROLLOUT: TypeAdapter[RolloutSection] = TypeAdapter(RolloutSection)
