"""What an item wants of one value, and whether the value is so.

Values and expectations are both text, as YAML and the servers write them. A `Scale` knows how a text becomes an
amount: bytes for memory, microseconds for time, itself for a plain number. Arithmetic is exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from reconciler.formulas import grammar
from reconciler.formulas.evaluation import Formula
from reconciler.formulas.memory_amounts import format_bytes
from reconciler.formulas.quantity_arithmetic import Dimension, FormulaError, Quantity
from reconciler.formulas.units import POSTGRES_MEMORY, REDIS_MEMORY
from reconciler.model import Frozen
from reconciler.yaml.verbatim_text import Text

TRUE = frozenset({"on", "true", "yes", "1", "t", "y"})
FALSE = frozenset({"off", "false", "no", "0", "f", "n"})

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


class NotComparable(Exception):
    """The value and what is wanted cannot be compared; the message says why, in one sentence."""


class MemoryUnknown(NotComparable):
    """A share of memory is wanted, and nobody knows how much memory there is."""


def _bound(text: str) -> str:
    formula = grammar.parse(text, grammar.POSTGRES)  # refuses what is nearly a percentage of memory
    if formula is not None and formula.names != ("memory",):
        raise ValueError("an amount is wanted, or a formula over memory and nothing else, like 25% of memory")
    return text


Bound = Annotated[Text, Field(min_length=1), AfterValidator(_bound)]
"""An amount, or a formula over memory."""


class Expectations(Frozen):
    """What is wanted of one value. All that are given must hold."""

    equals: Text | None = None
    one_of: tuple[Text, ...] | None = Field(default=None, min_length=1)
    greater_than: Bound | None = None
    less_than: Bound | None = None
    at_least: Bound | None = None
    at_most: Bound | None = None

    @property
    def expects_something(self) -> bool:
        """Whether any expectation is given."""
        return any(getattr(self, name) is not None for name in Expectations.model_fields)


class Expecting(Expectations):
    """Base of the checks that are nothing without an expectation."""

    @model_validator(mode="after")
    def _expects(self) -> Expecting:
        if not self.expects_something:
            raise ValueError(f"nothing is expected: give one of {', '.join(Expectations.model_fields)}")
        return self


@dataclass(frozen=True, slots=True)
class Scale:
    """How the texts of one kind of value are read.

    amount   the exact amount of a text, to compare by; raises NotComparable.
    shown    an expectation for people: "25% of memory" gains what it comes to.
    """

    amount: Callable[[str], Fraction]
    shown: Callable[[str], str] = str


def number(text: str) -> Fraction:
    """The exact value of a plain number. Raises NotComparable."""
    if not _NUMBER.fullmatch(text.strip()):
        raise NotComparable(f"{text!r} is not a number")
    return Fraction(text.strip())


def quantity(text: str, units: Mapping[str, int], own: int, noun: str) -> Fraction:
    """The exact amount of a number with an optional unit; without one it counts `own`. Raises NotComparable."""
    found = _NUMBER.match(text.strip())
    unit = text.strip()[found.end() :].strip() if found else ""
    if not found or (unit and unit not in units):
        raise NotComparable(f"{text!r} is not {noun}: expected a number, with one of {', '.join(units)} or without")
    return number(found[0]) * (units[unit] if unit else own)


def of_memory(text: str, memory: int | None) -> Fraction | None:
    """Bytes of "25% of memory"; None where the text is no formula over memory. Raises NotComparable, MemoryUnknown."""
    formula = _formula(text)
    if formula is None:
        return None
    if memory is None:
        raise MemoryUnknown(
            f"{formula.text} cannot be computed: this role may not read how much memory the server has; "
            "declare `memory:` of the target"
        )
    return Fraction(_bytes(formula, memory))


def _formula(text: str) -> Formula | None:
    try:
        formula = grammar.parse(text, grammar.POSTGRES)
    except FormulaError:
        return None
    return formula if formula is not None and formula.names == ("memory",) else None


def _bytes(formula: Formula, memory: int) -> int:
    """What a formula over memory comes to, rounded down. Raises NotComparable."""
    try:
        found = formula.value(lambda name: Quantity(Fraction(memory), Dimension.MEMORY))
    except FormulaError as error:
        raise NotComparable(f"{formula.text}: {error}") from None
    if found.dimension is not Dimension.MEMORY or found.amount < 0:
        raise NotComparable(f"{formula.text} comes to {found}, which is no amount of memory")
    return math.floor(found.amount)


def about(amount: int) -> str:
    """Bytes for people: exact where a unit of at least 1 MB divides them, else to one decimal: 4GB, 3.2GB."""
    exact = format_bytes(amount)
    if exact[-2:] in ("MB", "GB", "TB") or amount < POSTGRES_MEMORY["MB"]:
        return exact
    unit = "GB" if amount >= POSTGRES_MEMORY["GB"] else "MB"
    return f"{amount / POSTGRES_MEMORY[unit]:.1f}{unit}"


def shown_with_bytes(text: str, memory: int | None) -> str:
    """`text`, and where it is a formula over memory also what that comes to."""
    formula = _formula(text)
    if formula is None or memory is None:
        return text
    return f"{formula.text} ({about(_bytes(formula, memory))})"


def plain_scale(memory: int | None) -> Scale:
    """Numbers; "20% of memory" and "64MB" count as bytes, for values that are bytes."""

    def amount(text: str) -> Fraction:
        part = of_memory(text, memory)
        return part if part is not None else quantity(text, POSTGRES_MEMORY, 1, "a number or an amount of memory")

    return Scale(amount, lambda text: shown_with_bytes(text, memory))


def redis_scale(memory: int | None) -> Scale:
    """As Redis reads its settings: `1gb` is 1024³, `1g` is 1000³."""

    def amount(text: str) -> Fraction:
        part = of_memory(text, memory)
        return part if part is not None else quantity(text.lower(), REDIS_MEMORY, 1, "a number or an amount of memory")

    return Scale(amount, lambda text: shown_with_bytes(text, memory))


def same(found: str, wanted: str, scale: Scale) -> bool:
    """Whether two texts mean the same: as text in any case, as amounts, or as booleans."""
    if found.strip().lower() == wanted.strip().lower():
        return True
    try:
        return scale.amount(found) == scale.amount(wanted)
    except MemoryUnknown:
        raise
    except NotComparable:
        words = {found.strip().lower(), wanted.strip().lower()}
        return words <= TRUE or words <= FALSE


def unmet(expected: Expectations, found: str, scale: Scale, *, is_amount: bool = True) -> str:
    """What `found` fails to be ("at least 20% of memory (3.2GB)"), joined by "and"; empty where it is all of it.

    `is_amount` false: the value is a word that only looks like a number (-1 for "off"), and so within no bound but a
    negative one. Raises NotComparable where it cannot be said.
    """
    missing: list[str] = []
    if expected.equals is not None and not same(found, expected.equals, scale):
        missing.append(scale.shown(expected.equals))
    if expected.one_of is not None and not any(same(found, wanted, scale) for wanted in expected.one_of):
        missing.append(f"one of {', '.join(map(scale.shown, expected.one_of))}")
    bounds: tuple[tuple[str | None, str, Callable[[Fraction, Fraction], bool]], ...] = (
        (expected.greater_than, "greater than", Fraction.__gt__),
        (expected.less_than, "less than", Fraction.__lt__),
        (expected.at_least, "at least", Fraction.__ge__),
        (expected.at_most, "at most", Fraction.__le__),
    )
    for bound, words, holds in bounds:
        if bound is None:
            continue
        limit = scale.amount(bound)
        if not holds(scale.amount(found), limit) or (not is_amount and limit >= 0):
            missing.append(f"{words} {scale.shown(bound)}")
    return " and ".join(missing)
