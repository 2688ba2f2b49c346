"""What a risk of a setting is: a turn for the worse, and what it leads to."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.kinds.pg_setting.risk.turns import Turn, named
from reconciler.model import HazardType


class Risk(NamedTuple):
    """What a turn of one setting may do: a sentence to be read after `setting = value: `."""

    type: HazardType
    turn: Turn
    why: str


def runs(why: str, turn: Turn = named) -> Risk:
    """It runs a program, or loads code."""
    return Risk(HazardType.RUNS_PROGRAMS, turn, why)


def unsafe(turn: Turn, why: str) -> Risk:
    """Data, secrets or what people can find out are less safe."""
    return Risk(HazardType.LESS_SAFE, turn, why)


def stops(turn: Turn, why: str) -> Risk:
    """People are refused, or wait."""
    return Risk(HazardType.STOPS_SERVICE, turn, why)


SHORT = 1000
"""Milliseconds. Below, a timeout ends what people and programs do every day: a report, a login over a slow line, a
transaction that a busy machine holds up."""

MILLIONS = 1_000_000
ANY = 0x7FFFFFFF
"""More than any number but for what stands for no limit."""

DISK = "it is kept on the disk of the data, and where that is full nothing can be written any more"
