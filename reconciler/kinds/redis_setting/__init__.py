"""Settings of Redis and Valkey: the parameters of CONFIG GET and CONFIG SET.

What it manages   any parameter that is declared, on standalone servers; secrets among them by reference only.
How it compares   by meaning (`values/`), with what CONFIG GET answers for the declared names, and for no others.
What it runs      CONFIG SET, and CONFIG REWRITE as a part of the same change.
What it sees      of the files: what a restart would bring, where the server is on this machine (`persisted.py`). What
                  runs as declared and is in no file is a change of CONFIG REWRITE alone.
What it cannot    change what only the file and a restart can (`parameters.py`): a notice gives the line. Nor set what
                  keeps this tool out of the server (`lockout.py`), or what its version does not take
                  (`accepted_ranges.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.kind import Declaration
from reconciler.kind.undoing import Former
from reconciler.kinds.redis_setting.model import NAME, ObservedSetting, RedisSetting, Value
from reconciler.model import Address, Change, ChangeReceipt, Outcome, RedisTarget, SecretRef, System, TargetInfo

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession


class RedisSettingKind:
    """The kind `redis_setting`."""

    name = NAME
    nouns = ("setting", "settings")
    system = System.REDIS
    sections: Mapping[str, Any] = {"settings": dict[str, Value]}
    resource = RedisSetting

    def declare(self, declaration: Declaration) -> Iterable[RedisSetting]:
        """See `declare.py`."""
        from reconciler.kinds.redis_setting.declare import declare

        return declare(declaration)

    def observe(self, session: RedisSession, wanted: Sequence[RedisSetting]) -> Mapping[Address, ObservedSetting]:
        """See `read.py`."""
        from reconciler.kinds.redis_setting.read import observe

        return observe(session, wanted)

    def plan(self, desired: RedisSetting, observed: ObservedSetting | None) -> Sequence[Outcome]:
        """See `plan.py`."""
        from reconciler.kinds.redis_setting.plan import plan

        return [] if observed is None else plan(desired, observed)

    def leans_on(self, resource: RedisSetting) -> Sequence[RedisSetting]:
        """The parameters by which its hazards were judged and its formula was worked out; of a secret it only carries
        that it is declared."""
        from reconciler.kinds.redis_setting.values.parameters import SECRETS

        return [
            resource.model_copy(update={"address": resource.address._replace(name=name), "value": text, "beside": {}})
            for name, text in resource.beside.items()
            if name not in SECRETS
        ]

    def without(self, resource: RedisSetting, others: Collection[Address]) -> RedisSetting:
        """See `kind.LeansOnOthers`."""
        gone = {each.name for each in others}
        left = {name: text for name, text in resource.beside.items() if name not in gone}
        return resource.model_copy(update={"beside": left})

    def sequenced(self, outcomes: Sequence[Outcome], target: RedisTarget, info: TargetInfo) -> Sequence[Outcome]:
        """See `kind.Sequences`, and `sequence.py`."""
        from reconciler.kinds.redis_setting.sequence import sequenced

        return sequenced(outcomes, target)

    def noted(self, changes: Sequence[Change]) -> Sequence[Change]:
        """See `kind.Notes`, and `sequence.py`."""
        from reconciler.kinds.redis_setting.sequence import noted

        return noted(changes)

    def former(self, done: ChangeReceipt, node: RedisTarget) -> Former:
        """See `undoing.py`."""
        from reconciler.kinds.redis_setting.undoing import former

        return former(done, node)

    def left(self, done: ChangeReceipt, node: RedisTarget) -> RedisSetting | None:
        """See `undoing.py`."""
        from reconciler.kinds.redis_setting.undoing import left

        return left(done, node)

    def restores(self, done: ChangeReceipt, change: Change) -> str:
        """See `undoing.py`."""
        from reconciler.kinds.redis_setting.undoing import restores

        return restores(done, change)

    def written(self, session: RedisSession) -> Mapping[str, Any]:
        """See `as_yaml.py`."""
        from reconciler.kinds.redis_setting.as_yaml import written

        return written(self, session)

    def credentials(self, resource: RedisSetting) -> tuple[str, SecretRef] | None:
        """Of requirepass, which is the password of the user `default`."""
        secret = resource.value
        return ("default", secret) if resource.parameter == "requirepass" and isinstance(secret, SecretRef) else None


KIND = RedisSettingKind()
