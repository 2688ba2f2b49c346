"""Amounts that know what they are amounts of, and their arithmetic: exact, and only where it means something.

Decided: docs/decisions.md#formulas-that-come-to-nothing
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from reconciler.formulas.memory_amounts import format_bytes
from reconciler.formulas.units import POSTGRES_MEMORY, POSTGRES_TIME


class Dimension(Enum):
    """What an amount is an amount of; the value is for sentences."""

    NUMBER = "a number"
    MEMORY = "an amount of memory"
    TIME = "an amount of time"

    def __str__(self) -> str:
        return self.value


class FormulaError(ValueError):
    """A formula that cannot be read or worked out; the text says why."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount: of bytes, of microseconds, or a plain number."""

    amount: Fraction
    dimension: Dimension

    def __str__(self) -> str:
        """For people: 4GB, 100ms, 0.9; to six digits where no unit divides it."""
        sign, amount = ("-", -self.amount) if self.amount < 0 else ("", self.amount)
        match self.dimension:
            case Dimension.NUMBER:
                return sign + (str(amount) if amount.denominator == 1 else f"{float(amount):.6g}")
            case Dimension.MEMORY if amount.denominator == 1:
                return sign + format_bytes(int(amount))
            case Dimension.MEMORY:
                return sign + _in_largest(amount, POSTGRES_MEMORY)
            case Dimension.TIME:
                return sign + _in_largest(amount, POSTGRES_TIME)


def _in_largest(amount: Fraction, units: Mapping[str, int]) -> str:
    """`amount` in the largest unit that divides it, else in the largest that is not more than it."""
    whole = [unit for unit, size in units.items() if amount and amount % size == 0]
    within = [unit for unit, size in units.items() if size <= amount]
    unit = (whole or within or list(units))[-1]
    return f"{float(amount / units[unit]):.15g}{unit}" if whole else f"{float(amount / units[unit]):.6g}{unit}"


_ROUNDINGS: Mapping[str, Callable[[Fraction], int]] = {"ceil": math.ceil, "floor": math.floor, "round": round}
CHOICES: Mapping[str, Callable[..., Fraction]] = {"max": max, "min": min}
FUNCTIONS = (*CHOICES, *_ROUNDINGS)


def operated(sign: str, left: Quantity, right: Quantity) -> Quantity:
    """The two around one of + - * /. Raises FormulaError."""
    dimension = of_operation(sign, left.dimension, right.dimension)
    assert dimension is not None  # noqa: S101 - both are known
    match sign:
        case "+":
            return Quantity(left.amount + right.amount, dimension)
        case "-":
            return Quantity(left.amount - right.amount, dimension)
        case "*":
            return Quantity(left.amount * right.amount, dimension)
    if not right.amount:
        raise FormulaError("it divides by zero")
    return Quantity(left.amount / right.amount, dimension)


def called(function: str, arguments: Sequence[Quantity]) -> Quantity:
    """What a function of FUNCTIONS makes of its arguments. Raises FormulaError."""
    dimension = of_call(function, [argument.dimension for argument in arguments])
    assert dimension is not None  # noqa: S101 - those of quantities are known
    amounts = [argument.amount for argument in arguments]
    if function in CHOICES:
        return Quantity(CHOICES[function](amounts), dimension)
    return Quantity(Fraction(_ROUNDINGS[function](amounts[0])), dimension)


def of_operation(sign: str, left: Dimension | None, right: Dimension | None) -> Dimension | None:
    """What the result is an amount of; None where that depends on what is not known yet. Raises FormulaError."""
    both = {left, right}
    match sign:
        case "+" | "-":
            return _one_of([left, right], "be added to" if sign == "+" else "be subtracted from")
        case "*" if Dimension.NUMBER in both:
            return right if left is Dimension.NUMBER else left
        case "*" if None in both:
            return left or right
        case "*":
            raise FormulaError(f"{left} cannot be multiplied by {right}, only by a number")
    if right is Dimension.NUMBER:
        return left
    if right is None:
        return Dimension.NUMBER if left is Dimension.NUMBER else None
    if left in (right, None):
        return Dimension.NUMBER
    raise FormulaError(f"{left} cannot be divided by {right}")


def of_call(function: str, arguments: Sequence[Dimension | None]) -> Dimension | None:
    """As `of_operation`, for a function of FUNCTIONS."""
    if function in CHOICES:
        return _one_of(arguments, "be compared with", in_order=True)
    if arguments[0] not in (Dimension.NUMBER, None):
        raise FormulaError(f"{function} is for numbers: {arguments[0]} is rounded down to what its setting counts in")
    return Dimension.NUMBER


def _one_of(dimensions: Sequence[Dimension | None], verb: str, *, in_order: bool = False) -> Dimension | None:
    known = list(dict.fromkeys(dimension for dimension in dimensions if dimension))
    if len(known) > 1:
        left, right = (known[0], known[1]) if in_order else (known[1], known[0])
        unit = ": give the number a unit" if Dimension.NUMBER in known else ""
        raise FormulaError(f"{left} cannot {verb} {right}{unit}")
    return known[0] if known else None


def number_of(quantity: Quantity, size: int, *, one: str, whole: bool = True) -> Fraction:
    """`quantity` in units of `size`, for a setting that counts in `one` ("8kB"); rounded down where it counts `whole`s.

    Raises FormulaError where nothing would be left of it, or less: to settings, 0 and -1 often mean "no limit".
    """
    exact = quantity.amount / size
    number = Fraction(math.floor(exact)) if whole else exact
    if exact < 0:
        raise FormulaError(f"it comes to {quantity}, which is less than nothing")
    if exact and not number:
        raise FormulaError(
            f"it comes to {quantity}, and to nothing when it is rounded down to {one}: put max(…) around it"
        )
    if not exact and quantity.dimension is not Dimension.NUMBER:
        raise FormulaError("it comes to nothing at all, which a setting may take for no limit: put max(…) around it")
    return number
