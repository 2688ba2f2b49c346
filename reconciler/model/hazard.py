"""Risks that have to be allowed by name, or are worth saying."""

from __future__ import annotations

from enum import StrEnum

from reconciler.model.base import Frozen


class HazardType(StrEnum):
    """Typed risks. Those in NEEDS_PERMISSION stop an apply until they are allowed by name."""

    INDEX_BUILD = "index-build"
    """Reads a whole table and takes disk, I/O and CPU for a while; writes go on."""
    INDEX_DROP = "index-drop"
    """A valid index goes; queries that use it become slower."""
    USER_DROP = "user-drop"
    """A user that no file declares goes, with its passwords, which nothing brings back."""
    LESS_SAFE = "less-safe"
    """Durability or security is reduced: fsync off, no password, persistence off."""
    RUNS_PROGRAMS = "runs-programs"
    """The server will run a program, or load code, that the new value names."""
    STOPS_SERVICE = "stops-service"
    """Clients are refused, or wait without end, as soon as the new value is in force."""
    EVICTS_KEYS = "evicts-keys"
    """Redis holds more than the new limit and will evict keys at once."""
    WAITS_FOR_RESTART = "waits-for-restart"
    """The value is written now and comes true when the server is restarted."""
    RESTART = "restart"
    """The server is restarted: every session ends, and nobody can connect for a moment."""
    STOPS_STANDBYS = "stops-standbys"
    """A standby that is not declared may stop replaying, or stop altogether: its own value would be too low."""
    NEEDS_REINDEX = "needs-reindex"
    """A storage parameter holds for new pages; those already written follow at the next REINDEX, which is offered."""
    LOCKS_PARTITIONS = "locks-partitions"
    """A table, or a partitioned one with its partitions, is locked for an instant: others wait that long."""


NEEDS_PERMISSION: frozenset[HazardType] = frozenset(
    {
        HazardType.INDEX_DROP,
        HazardType.USER_DROP,
        HazardType.LESS_SAFE,
        HazardType.RUNS_PROGRAMS,
        HazardType.STOPS_SERVICE,
        HazardType.EVICTS_KEYS,
        HazardType.RESTART,
        HazardType.STOPS_STANDBYS,
    }
)


WORTH_SAYING: frozenset[HazardType] = NEEDS_PERMISSION | {HazardType.NEEDS_REINDEX, HazardType.LOCKS_PARTITIONS}
"""What a reviewer should read; the others are said by a change's notes and evidence."""


class Hazard(Frozen):
    """One risk of one step, in a sentence about this very step."""

    type: HazardType
    message: str
