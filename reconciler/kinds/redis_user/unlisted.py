"""Users that nobody declares: what is said of them, and how they go.

Decided: docs/decisions.md#passwords-of-dropped-users
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.desired.unlisted import Unlisted, decided, rules, together
from reconciler.kind import Declaration
from reconciler.kinds.redis_user.model import NAME, ObservedUser, RedisUser
from reconciler.kinds.redis_user.plan import plan
from reconciler.kinds.redis_user.unlisted_model import (
    RULES,
    SECTION,
    FoundUser,
    ObservedUnlisted,
    UnlistedUser,
    UnlistedUsers,
)
from reconciler.model import Address, Change, Hazard, HazardType, Notice, NoticeType, Outcome, RedisStep, Resource, Step
from reconciler.targets.undecodable_names import NO_TEXT, TO_GO

NAMED = 5
"""So many dangerous commands are named; of more, the number."""

LOST = "its passwords cannot be brought back: the server keeps hashes alone, and no plan holds them"

Declared = RedisUser | UnlistedUsers | UnlistedUser


def declare_unlisted(declaration: Declaration) -> UnlistedUsers:
    """The resource of a section `unlisted_users`. Raises DesiredError."""
    return UnlistedUsers(
        address=Address(declaration.target.name, NAME, RULES),
        declared_at=declaration.at(()),
        rules_of_unlisted=rules(declaration),
    )


def gathered(declared: Sequence[Declared]) -> list[Declared]:
    """See `kind.Gathers`: one set of rules for each target, which knows who is declared there. Raises DesiredError."""
    found: dict[Address, UnlistedUsers] = {}
    listed: dict[str, list[str]] = {}
    for each in declared:
        if isinstance(each, UnlistedUsers):
            first = found.get(each.address)
            known = first.rules_of_unlisted if first else ()
            both = together(SECTION, (*known, *each.rules_of_unlisted))
            found[each.address] = (first or each).model_copy(update={"rules_of_unlisted": both})
        else:
            listed.setdefault(each.address.target, []).append(each.address.name)
    known_users = {address: tuple(listed.get(address.target, ())) for address in found}
    rules_last = [rule.model_copy(update={"listed": known_users[rule.address]}) for rule in found.values()]
    return [*(each for each in declared if not isinstance(each, UnlistedUsers)), *rules_last]


def dropped_by(user: Declared, declared: Mapping[Address, Resource]) -> list[Address]:
    """See `kind.Derives`: a user that nobody declares goes by a rule of its target."""
    address = user.address._replace(name=RULES)
    target = declared.get(address)
    if not isinstance(user, UnlistedUser) or not isinstance(target, UnlistedUsers) or user.user in target.listed:
        return []
    rule = decided(target.rules_of_unlisted, user.user)
    return [address] if rule is not None and rule.policy is Unlisted.DROP else []


def plan_unlisted(desired: UnlistedUsers | UnlistedUser, observed: ObservedUnlisted) -> list[Outcome]:
    """What is to be said, or done, of each of them. Pure."""
    if observed.hidden:
        message = f"users that no file declares cannot be told: {observed.hidden}"
        return [_notice(desired.address, NoticeType.NOT_VISIBLE, message, desired.declared_at)]
    return [outcome for found in observed.users for outcome in _of_one(desired, found)]


def _of_one(desired: UnlistedUsers | UnlistedUser, found: FoundUser) -> Sequence[Outcome]:
    address = desired.address._replace(name=found.name)
    if found.rule.policy is not Unlisted.DROP:
        kind = NoticeType.UNWANTED if found.rule.policy is Unlisted.DRIFT else NoticeType.UNLISTED
        return [_notice(address, kind, f"user that no file declares: {described(found.seen)}", found.rule.at)]
    if isinstance(desired, UnlistedUser) and not found.seen.exists and not found.seen.hidden:
        return []
    if found.hold is not None:
        message = f"kept, though no file declares it: {found.hold.why}"
        if isinstance(desired, UnlistedUser):  # it was to go, and is needed by now
            return [_notice(address, NoticeType.BLOCKED, message, found.rule.at)]
        kind = NoticeType.UNLISTED if found.hold.lasting else NoticeType.UNWANTED
        message = message if found.name == "default" else f"{message}; {described(found.seen)}"
        return [_notice(address, kind, message, found.rule.at)]
    if not found.seen.exists and not found.seen.hidden:
        return [_notice(address, NoticeType.BLOCKED, TO_GO, found.rule.at)]
    absent = RedisUser(address=address, declared_at=found.rule.at, rules=None)
    return [_going(each, found) if isinstance(each, Change) else each for each in plan(absent, found.seen)]


def _going(removal: Change, found: FoundUser) -> Change:
    """The removal of a user, as one that nobody has declared absent by its name."""
    dropped = UnlistedUser(address=removal.address, declared_at=found.rule.at)
    back = RedisStep(command=("ACL", "SETUSER", found.name, "reset", *found.seen.rules))
    lost = [LOST] if found.seen.login in ("password", "passwords") else []
    return removal.model_copy(
        update={
            "reason": f"no file declares it, under {SECTION}: drop; {described(found.seen)}",
            "steps": tuple(_by_its_own_hazard(step, found.name, lost) for step in removal.steps),
            "inverse": (back,),
            "desired": dropped.model_dump(mode="json"),
        }
    )


def _by_its_own_hazard(step: Step, user: str, lost: Sequence[str]) -> Step:
    said = [f"{user} goes, which no file declares: nobody can log in as it any more", *lost]
    own = tuple(Hazard(type=HazardType.USER_DROP, message="; ".join(said)) for _ in step.hazards[:1])
    return step.model_copy(update={"hazards": own})


def described(seen: ObservedUser) -> str:
    """What whoever comes upon such a user has to know: how it logs in, and what it may that is dangerous."""
    if seen.hidden:
        return seen.hidden
    if not seen.exists:
        return NO_TEXT
    return ", ".join([*_login(seen), _may(seen)])


def _login(seen: ObservedUser) -> list[str]:
    if not seen.was_on:
        return ["it is off, so that nobody logs in as it"]
    match seen.login:
        case "nopass":
            return ["logs in without a password"]
        case "none":
            return ["has no password, so that nobody logs in as it"]
        case "password":
            return ["logs in with a password"]
        case "passwords":
            return ["logs in with one of several passwords"]


def _may(seen: ObservedUser) -> str:
    powers = seen.powers
    if powers.every_command:
        return "may do everything" if powers.every_key else "may run every command"
    if not powers.dangerous:
        return "may run nothing that is @dangerous"
    more = len(powers.dangerous) - NAMED
    named = ", ".join(powers.dangerous[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"may run {named}, which {'is' if len(powers.dangerous) == 1 else 'are'} @dangerous"


def _notice(address: Address, kind: NoticeType, message: str, at: str) -> Notice:
    return Notice(address=address, type=kind, message=message, declared_at=at)
