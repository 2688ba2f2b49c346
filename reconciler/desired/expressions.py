"""Amounts of memory: `16GB`, and `25% of memory`. All in integers: nothing is off by a rounding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

UNITS = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
"""PostgreSQL's units of memory, base 1024 (manual, "Parameter Names and Values")."""

MOST_BYTES = 2**63 - 1
"""What PostgreSQL and Redis can hold in the 64-bit numbers that they count bytes with."""

_AMOUNT = re.compile(r"\s*([0-9]{1,19})(?:\.([0-9]{1,19}))?\s*([A-Za-z]*)\s*")
_PERCENTAGE = re.compile(r"\s*([0-9]{1,3})(?:\.([0-9]{1,9}))?%\s+of\s+memory\s*")
_NEARLY_PERCENTAGE = re.compile(r"\s*[-+]?[0-9.,]+\s*(?:%|percent\b|of\b)", re.IGNORECASE)
_ONLY_PERCENT = re.compile(r"\s*[0-9]+(?:\.[0-9]+)?%\s*")
_PERCENTAGE_FORM = "a percentage is written like 25% of memory: more than 0, at most 100, of memory"


def parse_bytes(text: str) -> int:
    """The bytes that `text` spells: a number, decimals allowed, and one of B, kB, MB, GB, TB, base 1024.

    `KB` is read as kB. Other spellings are refused, as PostgreSQL does; so is a number without a unit, because there it
    means the unit of the setting. Raises ValueError, whose text explains.
    """
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise ValueError("an amount of memory is a number and a unit, like 16GB, 512MB or 1.5GB")
    whole, decimals, unit = found[1], found[2] or "", found[3]
    if not unit:
        raise ValueError(f"the unit is missing: {text.strip()}GB, {text.strip()}MB? (units: {', '.join(UNITS)})")
    factor = UNITS.get("kB" if unit == "KB" else unit)
    if factor is None:
        meant = [known for known in UNITS if known[0].lower() == unit[0].lower()]
        proposal = f"; did you mean {meant[0]}?" if meant else ""
        raise ValueError(
            f"the unit {unit} is unknown{proposal} (units: {', '.join(UNITS)}; the case of letters counts)"
        )
    amount: int
    amount, rest = divmod(int(whole + decimals) * factor, 10 ** len(decimals))
    if rest:
        raise ValueError(f"{text.strip()} is not a whole number of bytes: use a smaller unit")
    if amount > MOST_BYTES:
        raise ValueError(f"{text.strip()} is more than the {MOST_BYTES} bytes that a server can count")
    return amount


def format_bytes(amount: int) -> str:
    """`amount` bytes exactly, in the largest unit that divides it: 4GB, 1536MB, 0B. `parse_bytes` reads it back.

    Raises ValueError for a negative amount.
    """
    if amount < 0:
        raise ValueError(f"{amount} is not an amount of memory: it is negative")
    unit = next((unit for unit in reversed(UNITS) if amount and amount % UNITS[unit] == 0), "B")
    return f"{amount // UNITS[unit]}{unit}"


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of a target's memory. `share` is above 0 and at most 1; `text` is the expression, usually spelt."""

    share: Fraction
    text: str

    def of(self, memory: int) -> int:
        """The bytes that this is of `memory` bytes, rounded down."""
        return memory * self.share.numerator // self.share.denominator


def parse_percentage(text: str, *, percent_is_value: bool = False) -> Percentage | None:
    """The expression that `text` spells; None where it is something else: `4GB`, `on`, `%m [%p]`.

    Whatever begins like a percentage and is not one (`25 % memory`, `120% of ram`, `25%`) raises ValueError, whose text
    says what is accepted. With `percent_is_value` a mere `25%` is a value that the server understands by itself
    (Redis: maxmemory-clients), and the answer is None.
    """
    found = _PERCENTAGE.fullmatch(text)
    if not found:
        if not _NEARLY_PERCENTAGE.match(text) or (percent_is_value and _ONLY_PERCENT.fullmatch(text)):
            return None
        raise ValueError(_PERCENTAGE_FORM)
    whole, decimals = found[1], found[2] or ""
    share = Fraction(int(whole + decimals), 100 * 10 ** len(decimals))
    if not 0 < share <= 1:
        raise ValueError(_PERCENTAGE_FORM)
    return Percentage(share, f"{whole}{'.' + decimals if decimals else ''}% of memory")
