"""Users of Redis and Valkey: ACL SETUSER.

What it manages   the users that are declared, on standalone servers; passwords by reference only, compared by hash.
How it compares   by what the rules of both sides allow (`rules.py`), since servers print them in other words.
What it runs      one ACL SETUSER, which is atomic, from `reset` on; ACL DELUSER; then ACL SAVE or CONFIG REWRITE.
What it sees      of the file that users are kept in: what a restart would bring (`persisted.py`); by ACL DRYRUN, that
                  dangerous commands which the rules deny are denied.
What it cannot    take from the tool's own user what the tool needs: a notice says what would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from reconciler.kind import Declaration
from reconciler.kinds.redis_user.model import NAME, ObservedUser, RedisUser, Section
from reconciler.model import Address, Outcome, SecretRef, System
from reconciler.targets.session import Session


class RedisUserKind:
    """The kind `redis_user`."""

    name = NAME
    system = System.REDIS
    sections: Mapping[str, Any] = {"users": Section}
    resource = RedisUser

    def declare(self, declaration: Declaration) -> Iterable[RedisUser]:
        """See `declare.py`."""
        from reconciler.kinds.redis_user.declare import declare

        return declare(declaration)

    def observe(self, session: Session, wanted: Sequence[RedisUser]) -> Mapping[Address, ObservedUser]:
        """See `read.py`."""
        from reconciler.kinds.redis_user.read import observe
        from reconciler.targets.redis import RedisSession

        return observe(cast(RedisSession, session), wanted)

    def plan(self, desired: RedisUser, observed: ObservedUser | None) -> Sequence[Outcome]:
        """See `plan.py`."""
        from reconciler.kinds.redis_user.plan import plan

        return [] if observed is None else plan(desired, observed)

    def written(self, session: Session) -> Mapping[str, Any]:
        """See `written.py`."""
        from reconciler.kinds.redis_user.written import written
        from reconciler.targets.redis import RedisSession

        return written(self, cast(RedisSession, session))

    def credentials(self, resource: RedisUser) -> tuple[str, SecretRef] | None:
        """The user's own."""
        return (resource.user, resource.password) if resource.password else None


KIND = RedisUserKind()
