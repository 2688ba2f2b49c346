"""Users of Redis and Valkey: ACL SETUSER.

What it manages   the users that are declared, on standalone servers; passwords by reference only, compared by hash.
How it compares   by what the rules of both sides allow (`rules/evaluation.py`): servers print them in other words.
What it runs      one ACL SETUSER, which is atomic, from `reset` on; ACL DELUSER; then ACL SAVE or CONFIG REWRITE.
What it sees      of the file that users are kept in: what a restart would bring (`persisted.py`); by ACL DRYRUN, that
                  dangerous commands which the rules deny are denied.
What it cannot    take from the tool's own user what the tool needs: a notice says what would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.desired.unlisted import UnlistedSection, rulings
from reconciler.kind import Declaration, not_asked
from reconciler.kind.explaining import Ruling
from reconciler.kind.undoing import Former
from reconciler.kinds.redis_user.model import NAME, ObservedUser, RedisUser, Section
from reconciler.kinds.redis_user.unlisted_model import DEFAULT, SECTION, ObservedUnlisted, UnlistedUser, UnlistedUsers
from reconciler.model import Address, Change, ChangeReceipt, Outcome, RedisTarget, Resource, SecretRef, System

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession

Declared = RedisUser | UnlistedUsers | UnlistedUser
AnyObserved = ObservedUser | ObservedUnlisted


class RedisUserKind:
    """The kind `redis_user`."""

    name = NAME
    nouns = ("user", "users")
    system = System.REDIS
    sections: Mapping[str, Any] = {"users": Section, SECTION: UnlistedSection}
    resource = RedisUser | UnlistedUser

    def declare(self, declaration: Declaration) -> Iterable[RedisUser | UnlistedUsers]:
        """See `declare.py` and `unlisted.py`."""
        from reconciler.kinds.redis_user.declare import declare
        from reconciler.kinds.redis_user.unlisted import declare_unlisted

        return [declare_unlisted(declaration)] if declaration.section == SECTION else declare(declaration)

    def gathered(self, declared: Sequence[Declared]) -> Sequence[Declared]:
        """See `unlisted.py`."""
        if not declared:
            return declared
        from reconciler.kinds.redis_user.unlisted import gathered

        return gathered(declared)

    def observe(self, session: RedisSession, wanted: Sequence[Declared]) -> Mapping[Address, AnyObserved]:
        """See `read.py` and `unlisted_read.py`."""
        from reconciler.kinds.redis_user import unlisted_read
        from reconciler.kinds.redis_user.read import observe

        users = [each for each in wanted if isinstance(each, RedisUser)]
        unlisted = [each for each in wanted if not isinstance(each, RedisUser)]
        seen: dict[Address, AnyObserved] = dict(observe(session, users)) if users else {}
        return seen | unlisted_read.observe(session, unlisted)

    def plan(self, desired: Declared, observed: AnyObserved | None) -> Sequence[Outcome]:
        """See `plan.py` and `unlisted.py`."""
        from reconciler.kinds.redis_user.plan import plan
        from reconciler.kinds.redis_user.unlisted import plan_unlisted

        match desired, observed:
            case RedisUser(), ObservedUser():
                return plan(desired, observed)
            case UnlistedUsers() | UnlistedUser(), ObservedUnlisted():
                return plan_unlisted(desired, observed)
        return [not_asked(desired)]

    def derived_from(self, resource: Declared, declared: Mapping[Address, Resource]) -> Sequence[Address]:
        """See `kind.Derives`, and `unlisted.py`."""
        from reconciler.kinds.redis_user.unlisted import dropped_by

        return dropped_by(resource, declared)

    def rulings(self, address: Address, declared: Sequence[Declared]) -> Sequence[Ruling]:
        """See `kind.unlisted.Rules`. The user that every server has is never one that somebody added."""
        if address.name == DEFAULT:
            return []
        found = [each.rules_of_unlisted for each in declared if isinstance(each, UnlistedUsers)]
        return [ruling for rules in found for ruling in rulings(rules, address.name)]

    def former(self, done: ChangeReceipt, node: RedisTarget) -> Former:
        """See `undoing.py`."""
        from reconciler.kinds.redis_user.undoing import former

        return former(done, node)

    def left(self, done: ChangeReceipt, node: RedisTarget) -> RedisUser:
        """See `undoing.py`."""
        from reconciler.kinds.redis_user.undoing import left

        return left(done, node)

    def restores(self, done: ChangeReceipt, change: Change) -> str:
        """See `undoing.py`."""
        from reconciler.kinds.redis_user.undoing import restores

        return restores(done, change)

    def written(self, session: RedisSession) -> Mapping[str, Any]:
        """See `as_yaml.py`."""
        from reconciler.kinds.redis_user.as_yaml import written

        return written(self, session)

    def credentials(self, resource: Declared) -> tuple[str, SecretRef] | None:
        """The user's own."""
        return (resource.user, resource.password) if isinstance(resource, RedisUser) and resource.password else None


KIND = RedisUserKind()
