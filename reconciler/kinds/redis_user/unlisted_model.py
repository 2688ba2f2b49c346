"""Users that nobody declares: what a target says of them, and what a server shows of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from reconciler.desired.unlisted import Rule, left_beside
from reconciler.kinds.redis_user.model import ObservedUser
from reconciler.model import Frozen, Observed, Resource

DEFAULT = "default"
"""Every server has this user, and nobody has added it."""

SECTION = "unlisted_users"

RULES = "unlisted users"
"""Under which the rules of a target are addressed: no user has a blank in its name, and one may be called `*`."""


class UnlistedUsers(Resource):
    """What is to become of the users of a target that nobody declares; `listed` are those that somebody does."""

    stands_for_itself: ClassVar[bool] = False

    rules_of_unlisted: tuple[Rule, ...]
    listed: tuple[str, ...] = ()

    @property
    def own_name(self) -> str:
        """See `Resource.own_name`."""
        return RULES

    def left_beside(self, other: Resource) -> Resource | None:
        """See `Resource.left_beside`."""
        rules = left_beside(self.rules_of_unlisted, other.rules_of_unlisted) if isinstance(other, UnlistedUsers) else ()
        return self.model_copy(update={"rules_of_unlisted": rules}) if rules else None


class UnlistedUser(Resource):
    """One of them, which is to go: what a plan carries, so that apply looks at it as planning did."""

    unlisted: Literal["drop"] = "drop"

    @property
    def user(self) -> str:
        """The name of the user."""
        return self.address.name


class Hold(Frozen):
    """Why a user has to stay. `lasting`: by the configuration of the server or of ours. Else by a connection, which
    anybody who can log in as it may make, and name as Sentinels do: that is drift until the user is declared.
    """

    why: str
    lasting: bool


class FoundUser(Frozen):
    """A user that nobody declares, and the rule that is about it. `hold`: why it is not dropped, where it was to be."""

    name: str
    rule: Rule
    seen: ObservedUser
    hold: Hold | None = None


class ObservedUnlisted(Observed):
    """All of them; `hidden` not empty: what is missing to see them, or whether they are needed."""

    users: tuple[FoundUser, ...] = ()
    hidden: str = ""
