"""Whether a server has another clock than the one by which an apply looks at windows.

Decided: docs/decisions.md#windows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.applying.gates.gate import Facts
from reconciler.model import System, Target
from reconciler.planning import servers_now
from reconciler.reports.headroom import clocks
from reconciler.targets.session import Session

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession


def other_clock(node: Target, session: Session, facts: Facts) -> str:
    """That it has, where a window decides when it is changed; empty where not. Of a Redis nobody knows."""
    if session.system is not System.POSTGRES:
        return ""
    ahead = cast("PostgresSession", session).clock_ahead
    owner = node.node_of or node.name
    differs = servers_now.other_clock(owner, facts.targets, facts.options.policy, ahead)
    return clocks(node.name, ahead) if differs else ""
