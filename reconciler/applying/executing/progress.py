"""How far a step is, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model import Blocker


@dataclass(frozen=True, slots=True)
class Progress:
    """One look. `fraction` is of the phase, 0 to 1; None where the server does not say. `attempt`: from 1.

    `waited`: seconds since the look before, where somebody is in the way. `aloud`: worth a line of its own even where
    nobody watches: what is restarted, what a person is asked to do.
    """

    phase: str
    fraction: float | None
    blockers: tuple[Blocker, ...]
    attempt: int = 1
    aloud: bool = False
    waited: float = 0.0
