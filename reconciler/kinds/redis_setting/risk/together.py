"""Parameters whose risks are those of what is declared together: each alone would be judged by what runs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from reconciler.kinds.redis_setting.model import RedisSetting
from reconciler.kinds.redis_setting.values import meaning
from reconciler.kinds.redis_setting.values.formulas import Operands

APPEND_ONLY = "appendonly"

_PARTNERS: Mapping[str, tuple[str, ...]] = {
    "maxmemory": ("maxmemory-policy",),
    "maxmemory-policy": ("maxmemory",),
    "appendonly": ("save",),
}
"""What the hazards of a parameter depend on; what CONFIG REWRITE depends on, appendonly, is added to all."""


def kept_beside(setting: RedisSetting, known: Mapping[str, str]) -> dict[str, str]:
    """What of `known`, the declared texts, a change has to carry along, because apply looks at one at a time."""
    names = {*_PARTNERS.get(setting.parameter, ()), APPEND_ONLY} - {setting.parameter}
    return {name: known[name] for name in sorted(names) if name in known}


def running(persistence: Mapping[str, Any] | None) -> str:
    """What appendonly is by INFO persistence; empty where that is not to be seen."""
    return "" if persistence is None else "yes" if persistence.get("aof_enabled") else "no"


def writes_append_only(known: Mapping[str, str], persistence: Mapping[str, Any] | None) -> bool:
    """Whether CONFIG REWRITE may write `appendonly yes` down, when a change or one beside it is made."""
    return APPEND_ONLY in known or running(persistence) != "no"


def limit(worth: Operands, memory: Mapping[str, Any]) -> int:
    """Bytes of maxmemory once all is applied."""
    text = worth.declared("maxmemory", str(memory.get("maxmemory", 0)))
    means = meaning("maxmemory", text)
    return means if isinstance(means, int) else 0


def append_only_file(
    persistence: Mapping[str, Any] | None,
) -> Literal["not-visible", "whole", "being-written", "failed", "not-written"]:
    """What INFO persistence says of it. A failed rewrite that is tried again has failed."""
    if persistence is None:
        return "not-visible"
    if persistence.get("aof_last_bgrewrite_status") == "err":
        return "failed"
    if persistence.get("aof_enabled") and persistence.get("aof_last_write_status") == "err":
        return "not-written"
    pending = persistence.get("aof_rewrite_in_progress") or persistence.get("aof_rewrite_scheduled")
    return "being-written" if pending else "whole"


def replicas(replication: Mapping[str, Any] | None) -> int | None:
    """How many are connected to a primary."""
    if replication is None or replication.get("role") != "master":
        return None
    return int(replication.get("connected_slaves", 0))


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def open_to_others(user: Mapping[str, Any] | None, bind: str) -> bool:
    """Whether other machines reach the server, and its default user without a password."""
    listening = {address.removeprefix("-") for address in bind.split()}
    return user is not None and "nopass" in user["flags"] and not listening <= LOOPBACK
