"""The units of PostgreSQL and of Redis, smallest first: one table each, for whoever reads or writes an amount."""

from __future__ import annotations

from collections.abc import Mapping

POSTGRES_MEMORY = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
"""Bytes (manual, "Parameter Names and Values"). The case of letters counts."""

POSTGRES_TIME = {
    "us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000,
}  # fmt: skip
"""Microseconds (manual, "Parameter Names and Values"). The case of letters counts."""

REDIS_MEMORY = {
    "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3,
}  # fmt: skip
"""Bytes, as memtoull of util.c reads them; any case of letters. An amount without a unit is of bytes."""

REDIS_BINARY = {unit: size for unit, size in REDIS_MEMORY.items() if unit.endswith("b")}
"""Those that count in 1024s."""


def dividing(amount: int, units: Mapping[str, int]) -> str:
    """The largest unit that divides `amount`; the smallest one for 0."""
    whole = [unit for unit, size in units.items() if amount and amount % size == 0]
    return whole[-1] if whole else next(iter(units))
