"""Memory that sessions and workers take for themselves, held against what the machine has.

Linux gives more than there is, and kills a process once it is used: after that the server ends all sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.formulas.memory_amounts import format_bytes
from reconciler.kinds.pg_setting.startup.next_start import Start
from reconciler.kinds.pg_setting.values import Canonical

OF_SESSIONS = frozenset({"hash_mem_multiplier", "logical_decoding_work_mem", "temp_buffers", "work_mem"})
OF_VACUUM = frozenset({"autovacuum_max_workers", "autovacuum_work_mem", "maintenance_work_mem"})
NAMES = OF_SESSIONS | OF_VACUUM

_Need = Callable[[Mapping[str, Canonical]], int]

_UNKNOWN = 64 << 30
"""Bytes of a machine of which nobody knows how many it has."""


def sessions(start: Start) -> str:
    """A quarter of the memory for one step of one statement, of which there are many, is more than any plan asks."""
    return _more(start, _largest_of_a_session, 4, "one session may take {} for one thing, and there are many of both")


def vacuum(start: Start) -> str:
    """What autovacuum's workers take together, or one who builds an index."""
    return _more(start, _largest_of_maintenance, 1, "vacuum and builds of indexes may take {} together")


def _more(start: Start, need: _Need, share: int, said: str) -> str:
    memory = start.around.memory
    coming, now = need(start.coming), need(start.now)
    if coming * share <= (memory or _UNKNOWN) or coming <= now:
        return ""
    there = "how much the machine has is not known" if memory is None else f"the machine has {format_bytes(memory)}"
    return f"{said.format(format_bytes(coming))}; {there}. Where it runs out, all sessions end"


def _largest_of_a_session(values: Mapping[str, Canonical]) -> int:
    hashed = _number(values, "work_mem") * 1024 * max(1, _number(values, "hash_mem_multiplier"))
    decoded, temporary = _number(values, "logical_decoding_work_mem") * 1024, _number(values, "temp_buffers") * 8192
    return int(max(hashed, decoded, temporary))


def _largest_of_maintenance(values: Mapping[str, Canonical]) -> int:
    of_one = _number(values, "maintenance_work_mem")
    of_autovacuum = _number(values, "autovacuum_work_mem", -1)
    workers = _number(values, "autovacuum_max_workers")
    return int(max(of_one, workers * (of_one if of_autovacuum < 0 else of_autovacuum)) * 1024)


def _number(values: Mapping[str, Canonical], name: str, missing: float = 0) -> float:
    value = values.get(name, missing)
    return value if isinstance(value, int | float) else missing
