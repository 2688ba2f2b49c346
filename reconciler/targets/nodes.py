"""The nodes of a target at this moment: one server, or all of a cluster, each a target of its own.

Decided: docs/decisions.md#nodes-as-targets
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import ReconcilerError, TargetError
from reconciler.model import PostgresTarget, RedisTarget, Target
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.pool import reading


def nodes(target: Target, sessions: OpenSessions) -> Sequence[Target]:
    """The nodes of `target`: it alone, or with its standbys or replicas; of a Redis Cluster, or of what Sentinels
    watch, every node by its address.

    None is left out for not being reachable: whoever connects to it meets the error. Raises ConnectionFailed where
    nobody can say which nodes there are; ObservationFailed.
    """
    if isinstance(target, PostgresTarget):
        return (target, *target.standbys)
    if isinstance(target, RedisTarget):
        from reconciler.targets.redis.nodes import nodes

        return nodes(target, sessions)
    return (target,)


def nodes_of_all(targets: Mapping[str, Target], sessions: OpenSessions) -> dict[str, Target]:
    """The nodes of all `targets` by name, in order. Raises TargetError; ReconcilerError with all of them."""
    found: dict[str, Target] = {}
    errors: list[TargetError] = []
    with reading(len(targets)) as pool:
        for future in [pool.submit(nodes, target, sessions) for target in targets.values()]:
            try:
                found.update((node.name, node) for node in future.result())
            except TargetError as error:
                errors.append(error)
    raise_together(errors)
    return found


def raise_together(errors: Sequence[TargetError]) -> None:
    """Raises the one error that there is, or one that says all of them; nothing where there is none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ReconcilerError("\n".join(str(error) for error in errors))
