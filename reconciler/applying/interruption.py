"""How a running apply is asked to stop."""

from __future__ import annotations


class Interruption:
    """Set by a signal: nothing new starts, and what runs is cancelled on the server within a second or two.

    What a cancelled step leaves behind is still taken away; set a second time, that is cancelled as well.
    """

    def __init__(self) -> None:
        self._times = 0

    def __bool__(self) -> bool:
        return self._times > 0

    def asked(self) -> bool:
        """Whether it was set."""
        return bool(self)

    def insisted(self) -> bool:
        """Whether it was set more than once."""
        return self._times > 1

    def set(self) -> int:
        """Asks to stop, for the how-manieth time it says. Never raises, takes no lock: a second signal may come while
        the first is handled."""
        self._times += 1
        return self._times
