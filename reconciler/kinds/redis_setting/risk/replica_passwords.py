"""Who logs in to a server besides clients: its replicas, by masterauth, and Sentinels. A new password cuts them off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.redis_setting.model import RedisSetting
from reconciler.kinds.redis_setting.values.parameters import ALIASES
from reconciler.model import Hazard, HazardType
from reconciler.targets.redis.session import RedisSession

MASTERAUTH = "masterauth"

CUT_OFF = (
    "masterauth is not declared, and is another one here: replicas that connect again are refused, and replication "
    "stops. Declare masterauth with the same secret"
)
WATCHED = (
    "Sentinels that log in as the default user take the server for down until each of them is told the new password: "
    "SENTINEL SET NAME auth-pass …"
)


def declares_masterauth(wanted: Sequence[RedisSetting]) -> bool:
    """Whether masterauth is declared beside; a change of requirepass carries that along."""
    return any(
        ALIASES.get(each.parameter, each.parameter) == MASTERAUTH or MASTERAUTH in each.beside for each in wanted
    )


def kept_beside(setting: RedisSetting, wanted: Sequence[RedisSetting]) -> Mapping[str, str]:
    """What a change of requirepass has to remember, because apply looks at it alone."""
    return {MASTERAUTH: "declared"} if setting.parameter == "requirepass" and declares_masterauth(wanted) else {}


def cut_off(session: RedisSession, wanted: str, beside: Mapping[str, Any]) -> dict[str, Any]:
    """Whether a server that is replicated would refuse its own kind, and whether Sentinels watch it."""
    replication = beside.get("replication", {})
    replicated = bool(replication.get("connected_slaves")) or replication.get("role") == "slave"
    running = beside.get(MASTERAUTH, {}).get(MASTERAUTH, "")
    session.secrets.remember(running)
    fits = beside["declares"] or running == wanted
    return {"cut_off": replicated and bool(wanted) and not fits, "watched": bool(session.target.sentinels)}


def hazards_of_password(cut: bool, watched: bool) -> tuple[Hazard, ...]:
    """What a new requirepass does to those who log in with the old one."""
    found = [Hazard(type=HazardType.STOPS_STANDBYS, message=f"requirepass: {CUT_OFF}")] if cut else []
    if watched:
        found.append(Hazard(type=HazardType.LESS_SAFE, message=f"requirepass: {WATCHED}"))
    return tuple(found)
