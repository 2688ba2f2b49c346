"""Whether nodes that are declared as one cluster are one: a wrong URL must not change somebody else's server.

Decided: docs/decisions.md#identity-of-a-redis
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import ObservationFailed
from reconciler.model import System, TargetInfo

HINT = "check the URLs of the target and of its `standbys`"


def check_nodes(targets: Mapping[str, TargetInfo]) -> None:
    """Raises ObservationFailed where a standby is of another cluster, is a primary as well, or is declared twice.

    Nodes of Redis are checked where they are found (see `targets/redis/nodes.py`).
    """
    for name, info in targets.items():
        if not info.node_of or info.system is not System.POSTGRES or info.node_of not in targets:
            continue
        main = targets[info.node_of]
        theirs, ours = (_system(each) for each in (info, main))
        if theirs and ours and theirs != ours:
            raise ObservationFailed(
                name, f"it is no node of {info.node_of}: its system identifier is {theirs}, and not {ours}", hint=HINT
            )
        for other, seen in targets.items():
            if other == name or info.node_of not in (other, seen.node_of):
                continue
            if seen.location == info.location:
                raise ObservationFailed(name, f"it is the same server as {other}, at {info.location}", hint=HINT)
            if seen.role == info.role == "primary":
                raise ObservationFailed(name, f"it is a primary, and so is {other}: one cluster has one", hint=HINT)


def _system(info: TargetInfo) -> str:
    """The system identifier; empty where the role may not see it."""
    found = info.identity.partition("/")[0]
    return found if found.isdigit() else ""
