"""What a plan was narrowed to, where it is about some resources of its targets alone."""

from __future__ import annotations

from pydantic import Field

from reconciler.model.address import Address
from reconciler.model.base import Frozen


class PulledIn(Frozen):
    """A change that nobody asked for, and the first of those that lean on it."""

    address: Address
    needed_by: Address


class Partial(Frozen):
    """What a plan is about, where that is less than all that is declared of its targets: it says nothing of the rest.

    to         what was asked for: names of targets, addresses, and patterns of both.
    where      the expression that the labels of these targets had to fit; empty where none was given.
    pulled_in  its changes that nobody asked for: those that were lean on them.
    left_out   how many changes of the same targets are not in it.
    """

    to: tuple[str, ...]
    where: str = ""
    pulled_in: tuple[PulledIn, ...] = ()
    left_out: int = Field(default=0, ge=0)
