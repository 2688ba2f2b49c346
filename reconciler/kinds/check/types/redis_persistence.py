"""Whether Redis would still have its data after a restart.

What
    Snapshots or the append-only file are on, and the last writes went well.

Why
    A full disk ends persistence without ending the server: the next restart brings back what was there when the last
    write went well.

How to write it
    id: redis-persistence
    title: Persistence is on, and its last writes went well
    check: {redis_persistence: healthy}
"""

from __future__ import annotations

from typing import Literal

from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.config_and_info import FoundValues, OfValues, read
from reconciler.kinds.check.verdict import Verdict
from reconciler.model import CheckStatus, System


class RedisPersistenceCheck(OfValues):
    """Snapshots or the append-only file are on, and the last write of each that is on went well."""

    redis_persistence: Literal["healthy"]

    def settings(self) -> tuple[str, ...]:
        """What turns the two on."""
        return ("save", "appendonly")

    def sections(self) -> tuple[str, ...]:
        """How the last writes went."""
        return ("persistence",)


def decide(check: RedisPersistenceCheck, found: FoundValues, known: Circumstances) -> Verdict:
    """By the settings where they may be read, else by what INFO says of them."""
    """Facts: rdb_last_bgsave_status, aof_last_write_status, aof_last_bgrewrite_status; of what is switched on only."""
    config, info = found.config or {}, found.info or {}
    appends = config.get("appendonly") == "yes" or info.get("aof_enabled") == "1"
    saves = bool(config.get("save"))
    if found.hidden and not appends:
        return Verdict(CheckStatus.NOT_VISIBLE, f"the append-only file is off, and save cannot be read: {found.hidden}")
    if not appends and not saves:
        return Verdict(CheckStatus.FAIL, "nothing is persisted: save is empty and appendonly is no", "live")
    looked_at: tuple[str, ...] = ("aof_last_write_status", "aof_last_bgrewrite_status") if appends else ()
    looked_at += ("rdb_last_bgsave_status",) if saves else ()
    broken = [f"{name} is {info[name]}" for name in looked_at if info.get(name, "ok") != "ok"]
    means = " and ".join(filter(None, ["the append-only file" if appends else "", "snapshots" if saves else ""]))
    if broken:
        return Verdict(CheckStatus.FAIL, f"{means} on, but {', '.join(broken)}", "live")
    return Verdict(CheckStatus.PASS, f"{means} on, the last writes went well", "live")


TYPE = CheckType(RedisPersistenceCheck, System.REDIS, read, decide)
