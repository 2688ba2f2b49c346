"""Amounts of memory: `16GB`. All in integers: nothing is off by a rounding."""

from __future__ import annotations

import re

from reconciler.formulas.units import POSTGRES_MEMORY, dividing

MOST_BYTES = 2**63 - 1
"""What PostgreSQL and Redis can hold in the 64-bit numbers that they count bytes with."""

_AMOUNT = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,19}))?\s*([A-Za-z]*)")


def parse_bytes(text: str) -> int:
    """The bytes that `text` spells: a number, decimals allowed, and one of B, kB, MB, GB, TB, base 1024.

    `KB` is read as kB. Other spellings are refused, as PostgreSQL does; so is a number without a unit, because there it
    means the unit of the setting. Raises ValueError, whose text explains.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if not found:
        raise ValueError("an amount of memory is a number and a unit, like 16GB, 512MB or 1.5GB")
    whole, decimals, unit = found[1], found[2] or "", found[3]
    if not unit:
        raise ValueError(
            f"the unit is missing: {text.strip()}GB, {text.strip()}MB? (units: {', '.join(POSTGRES_MEMORY)})"
        )
    factor = POSTGRES_MEMORY.get("kB" if unit == "KB" else unit)
    if factor is None:
        meant = [known for known in POSTGRES_MEMORY if known[0].lower() == unit[0].lower()]
        proposal = f"; did you mean {meant[0]}?" if meant else ""
        raise ValueError(
            f"the unit {unit} is unknown{proposal} (units: {', '.join(POSTGRES_MEMORY)}; the case of letters counts)"
        )
    amount: int
    amount, rest = divmod(int(whole + decimals) * factor, 10 ** len(decimals))
    if rest:
        raise ValueError(f"{text.strip()} is not a whole number of bytes: use a smaller unit")
    if amount > MOST_BYTES:
        raise ValueError(f"{text.strip()} is more than the {MOST_BYTES} bytes that a server can count")
    return amount


def about(amount: int) -> str:
    """`amount` bytes for people, to a tenth of the largest unit of which there is one: 104.5GB."""
    units = [unit for unit, size in POSTGRES_MEMORY.items() if size <= max(amount, 1)]
    largest = max(units, key=POSTGRES_MEMORY.__getitem__)
    return f"{amount / POSTGRES_MEMORY[largest]:.1f}".removesuffix(".0") + largest


def format_bytes(amount: int) -> str:
    """`amount` bytes exactly, in the largest unit that divides it: 4GB, 1536MB, 0B. `parse_bytes` reads it back.

    Raises ValueError for a negative amount.
    """
    if amount < 0:
        raise ValueError(f"{amount} is not an amount of memory: it is negative")
    unit = dividing(amount, POSTGRES_MEMORY)
    return f"{amount // POSTGRES_MEMORY[unit]}{unit}"
