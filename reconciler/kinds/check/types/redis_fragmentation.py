"""How much memory Redis loses to fragmentation.

What
    The ratio is at most this, or less than `bytes` are lost.

    `bytes` is 10MB where nothing else is said, and a Redis that uses less than 5 MB is not judged, as by MEMORY DOCTOR.

Why
    What is lost between values counts for the host, and not for `maxmemory`: a Redis within its limit may be killed for
    it.

How to write it
    id: redis-fragmentation
    title: Memory is not fragmented
    check: {redis_fragmentation: 1.5, bytes: 10MB}
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.config_and_info import FoundValues, OfValues, compared, read
from reconciler.kinds.check.expectations import about, number, redis_scale
from reconciler.kinds.check.verdict import Verdict
from reconciler.model import CheckStatus, System
from reconciler.yaml.verbatim_text import Text

SMALLEST_JUDGED = 5 << 20
"""Bytes of used memory below which fragmentation says nothing (MEMORY DOCTOR calls such an instance empty)."""

Number = Annotated[Text, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
MemoryAmount = Annotated[Text, Field(pattern=r"^[0-9]+ ?([kKmMgG]?[bB])?$")]


class RedisFragmentationCheck(OfValues):
    """mem_fragmentation_ratio is at most this, or what is lost is less than `bytes`.

    The default of `bytes`, and that a Redis under 5 MB is not judged, are MEMORY DOCTOR's.
    """

    redis_fragmentation: Number
    bytes: MemoryAmount = "10MB"

    def sections(self) -> tuple[str, ...]:
        """What is used, and what is lost."""
        return ("memory",)


@compared
def decide(check: RedisFragmentationCheck, found: FoundValues, known: Circumstances) -> Verdict:
    """A ratio says nothing of next to nothing: below SMALLEST_JUDGED there is no data."""
    info = found.info or {}
    wanted = ("used_memory", "mem_fragmentation_ratio", "mem_fragmentation_bytes")
    absent = [name for name in wanted if name not in info]
    if absent:
        return Verdict(CheckStatus.ERROR, f"INFO memory of this server has no {', '.join(absent)}", "live")
    used, ratio, lost = (number(info[name]) for name in wanted)
    seen = f"fragmentation {info[wanted[1]]}, {_megabytes(int(lost))} of {_megabytes(int(used))}"
    if used < SMALLEST_JUDGED:
        return Verdict(CheckStatus.NO_DATA, f"{seen}: below {about(SMALLEST_JUDGED)} a ratio says nothing", "live")
    scale = redis_scale(None)
    if ratio > number(check.redis_fragmentation) and lost > scale.amount(check.bytes):
        return Verdict(
            CheckStatus.FAIL, f"{seen}; wanted at most {check.redis_fragmentation}, or less than {check.bytes}", "live"
        )
    return Verdict(CheckStatus.PASS, seen, "live")


def _megabytes(amount: int) -> str:
    return f"{amount / (1 << 20):.1f}MB"


TYPE = CheckType(RedisFragmentationCheck, System.REDIS, read, decide)
