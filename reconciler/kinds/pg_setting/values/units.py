"""Numbers with units, read and shown as the server does it.

The arithmetic is that of `parse_int`, `parse_real` and `convert_to_base_unit` in PostgreSQL's guc.c: doubles, C's
number syntax (hex and octal too), rounding half to even, and a fraction of a unit rounded to the next smaller unit.
"""

from __future__ import annotations

import math
import re

from reconciler.formulas.quantity_arithmetic import Dimension
from reconciler.formulas.units import POSTGRES_MEMORY, POSTGRES_TIME

INT_MIN, INT_MAX = -(2**31), 2**31 - 1
_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1
_SMALLEST_NORMAL = 2.2250738585072014e-308
_SPACE = " \t\n\v\f\r"

_MEMORY, _TIME = dict(reversed(POSTGRES_MEMORY.items())), dict(reversed(POSTGRES_TIME.items()))
"""Largest first: the order in which the server looks for one that divides."""

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_REAL = re.compile(
    r"[ \t\n\v\f\r]*[+-]?("
    r"0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)


class InvalidValue(ValueError):
    """A value that the server would refuse; the text says what it takes instead."""


def integer(text: str, unit: str) -> int:
    """`text` in multiples of `unit` ("" for none), as the server reads it for an integer setting.

    Raises InvalidValue.
    """
    found = _INTEGER.match(text)
    value: float
    if found:
        end = found.end()
        value = _long(found[1], found[2])
        again = text[end : end + 1] in (".", "e", "E") or not _LONG_MIN <= value <= _LONG_MAX
    else:
        end, value, again = 0, 0, text[:1] in (".", "e", "E")
    if again:
        value, end = _double(text)
    if end == 0:
        raise InvalidValue("a number is wanted")
    rounded = round(_in_base_unit(float(value), text[end:], unit))
    if not INT_MIN <= rounded <= INT_MAX:
        raise InvalidValue("it exceeds the range of an integer")
    return rounded


def real(text: str, unit: str) -> float:
    """`text` in multiples of `unit` ("" for none), as the server reads it for a real setting. Raises InvalidValue."""
    value, end = _double(text)
    if end == 0:
        raise InvalidValue("a number is wanted")
    return _in_base_unit(value, text[end:], unit)


def is_lost(text: str, unit: str, value: float) -> bool:
    """Whether rounding made `value` of `text`, and it is nought or less: nought is no small amount but often stands for
    none, or for no limit, and so do -1 and its like."""
    if value > 0:
        return False
    return _double(text)[0] != 0 if value == 0 else real(text, unit) != value


def has_unit(text: str) -> bool:
    """Whether something stands behind the number."""
    return bool(text[_double(text)[1] :].strip(_SPACE))


def shown(value: float, unit: str) -> str:
    """`value` multiples of `unit` as SHOW prints it: in the largest unit that divides it exactly.

    Zero and negative values carry no unit: there they mean something else ("off", "no limit").
    """
    if not unit or value <= 0:
        return f"{value:g}" if isinstance(value, float) else str(value)
    scale, base = _scale(unit)
    for name, size in scale.items():
        if isinstance(value, int):
            if size <= base or value % (size // base) == 0:
                return f"{round(value * base / size)}{name}"
        else:
            amount = value * base / size
            if amount >= 0.5 and abs(amount - round(amount)) <= 1e-8 * round(amount):
                return f"{round(amount)}{name}"
    return f"{value * base / min(scale.values()):g}{list(scale)[-1]}"


def dimension(unit: str) -> Dimension:
    """What a setting of this unit is an amount of. Raises InvalidValue for a unit that is unknown here."""
    if not unit:
        return Dimension.NUMBER
    return Dimension.MEMORY if _scale(unit)[0] is _MEMORY else Dimension.TIME


def size_of(unit: str) -> int:
    """What one of `unit` is: in bytes, in microseconds, or 1 for none; 8192 for "8kB". Raises InvalidValue."""
    return _scale(unit)[1] if unit else 1


def units_for(unit: str) -> str:
    """The units that a setting of `unit` accepts, for people."""
    return ", ".join(reversed(_scale(unit)[0]))


def _scale(unit: str) -> tuple[dict[str, int], int]:
    """The table that `unit` belongs to, and its own size in that table."""
    if unit in _TIME:
        return _TIME, _TIME[unit]
    found = re.fullmatch(rf"([0-9]*)({'|'.join(_MEMORY)})", unit)
    if not found:
        raise InvalidValue(f"the server's unit {unit!r} is unknown here")
    return _MEMORY, int(found[1] or 1) * _MEMORY[found[2]]


def _long(sign: str, digits: str) -> int:
    """As strtol with base 0."""
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[0] == "0" else 10
    value = int(digits, base)
    return -value if sign == "-" else value


def _double(text: str) -> tuple[float, int]:
    """As strtod: the number and where it ends; (0.0, 0) where there is none, or none that a double can hold."""
    found = _REAL.match(text)
    if not found:
        return 0.0, 0
    number = found[0].strip(_SPACE)
    hexadecimal = "x" in number.lower()
    try:
        value = float.fromhex(number) if hexadecimal else float(number)
    except OverflowError:
        return 0.0, 0
    mantissa = re.split("[pP]" if hexadecimal else "[eE]", number.lower().removeprefix("0x"))[0]
    underflow = abs(value) < _SMALLEST_NORMAL and bool(re.search("[1-9a-fA-F]", mantissa))
    return (0.0, 0) if math.isinf(value) or underflow else (value, found.end())


def _in_base_unit(value: float, rest: str, unit: str) -> float:
    """`value`, followed by `rest` (spaces, a unit, spaces), in multiples of the setting's own `unit`."""
    written = rest.lstrip(_SPACE)
    if not written:
        return value
    if not unit:
        raise InvalidValue(f"it takes a number without a unit, not {written.strip(_SPACE)!r} after it")
    written = written.rstrip(_SPACE)
    scale, base = _scale(unit)
    names = list(scale)
    if written not in scale:
        raise InvalidValue(f"its unit may be {units_for(unit)} (the case of letters counts), not {written!r}")
    converted = value * _multiplier(scale[written], base)
    position = names.index(written) + 1
    if position < len(names):
        smaller = _multiplier(scale[names[position]], base)
        ratio = converted / smaller
        converted = (float(round(ratio)) if math.isfinite(ratio) else ratio) * smaller
    if not math.isfinite(converted):
        raise InvalidValue("it exceeds the range of a number")
    return converted


def _multiplier(size: int, base: int) -> float:
    """How many `base` one unit of `size` is, as the double that guc.c's table holds."""
    return size / base
