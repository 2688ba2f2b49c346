"""The nodes of a target at this moment: one server, or all of a cluster, each a target of its own.

Decided: docs/decisions.md#nodes-as-targets
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from reconciler.errors import ReconcilerError, TargetError
from reconciler.model import PostgresTarget, RedisTarget, Target
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.servers_in_urls import sessions_to
from reconciler.targets.thread_pool import Pool


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
    found: dict[str, Sequence[Target] | TargetError] = {}

    def asked(target: Target) -> tuple[str, Sequence[Target] | TargetError]:
        try:
            return target.name, nodes(target, sessions)
        except TargetError as error:
            return target.name, error

    with Pool[tuple[str, Sequence[Target] | TargetError]]() as pool:
        for target in targets.values():
            pool.add(partial(asked, target), sessions_to(target))
        found.update(pool.answers())
    errors = [each for name in targets if isinstance(each := found[name], TargetError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ReconcilerError("\n".join(str(error) for error in errors))
    return {node.name: node for name in targets if not isinstance(each := found[name], TargetError) for node in each}
