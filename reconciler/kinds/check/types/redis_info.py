"""One field of Redis' INFO.

What
    The field of INFO is as expected.

Why
    Counters tell what no setting does: clients that were turned away, keys that were evicted, a replica that lags.

How to write it
    id: redis-clients
    title: No client was ever turned away
    check: {redis_info: rejected_connections, section: stats, equals: 0}
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.config_and_info import FoundValues, OfValues, compared, read
from reconciler.kinds.check.expectations import Expecting, redis_scale, unmet
from reconciler.kinds.check.verdict import Verdict, passed_if
from reconciler.model import CheckStatus, System


class RedisInfoCheck(Expecting, OfValues):
    """One field of INFO."""

    redis_info: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    section: Annotated[str, Field(pattern=r"^[A-Za-z]+$")] = "default"

    def sections(self) -> tuple[str, ...]:
        """The one that the field is in."""
        return (self.section,)


@compared
def decide(check: RedisInfoCheck, found: FoundValues, known: Circumstances) -> Verdict:
    """The field is there, and as expected."""
    value = (found.info or {}).get(check.redis_info)
    if value is None:
        return Verdict(
            CheckStatus.ERROR, f"INFO {check.section} of this server has no field {check.redis_info}", "live"
        )
    return passed_if(unmet(check, value, redis_scale(known.memory)), f"{check.redis_info} is {value}", "live")


TYPE = CheckType(RedisInfoCheck, System.REDIS, read, decide)
