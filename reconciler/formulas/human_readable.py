"""Amounts as people read them: rounded, in the largest unit that fits. `memory_amounts` has the exact ones."""

from __future__ import annotations

from reconciler.formulas.units import POSTGRES_MEMORY


def rounded(value: float) -> str:
    """Two digits that count below ten, whole numbers from there on."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}".removesuffix(".0")


def size(value: float) -> str:
    """Bytes with PostgreSQL's names for powers of 1024."""
    for name, one in reversed(POSTGRES_MEMORY.items()):
        if abs(value) >= one > 1:
            return f"{rounded(value / one)} {name}"
    return f"{value:g} bytes"
