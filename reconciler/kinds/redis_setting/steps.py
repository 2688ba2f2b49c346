"""The commands of a change.

CONFIG REWRITE belongs to every change, right behind CONFIG SET: the server has no way to tell later that a value which
runs as declared was never written to its file.

Decided: docs/decisions.md#config-rewrite-in-every-change
"""

from __future__ import annotations

from reconciler.kinds.redis_setting.model import ObservedSetting, RedisSetting
from reconciler.model import Hazard, RedisStep, SecretArgument, SecretRef

REWRITE = RedisStep(command=("CONFIG", "REWRITE"))
REWRITE_ONCE_WHOLE = REWRITE.model_copy(update={"waits_for": "append-only-file"})

ALONE = frozenset({"appendonly"})
"""Not set in one command with others: where its file cannot be written, it is taken back, and they stay."""

TOGETHER = "CONFIG SET"
"""The word for settings that are set by one command: all of them or none."""

SEVERAL_AT_ONCE = (7, 0)
"""CONFIG SET takes several pairs since Redis 7.0 (its release notes), and Valkey."""
SAVE_USERS = RedisStep(command=("ACL", "SAVE"))


def steps(
    desired: RedisSetting, observed: ObservedSetting, wanted: str, risks: tuple[Hazard, ...]
) -> tuple[RedisStep, ...]:
    """What brings the declared value about, and persists it where there is a file to persist it in.

    A secret cannot be put back, since a plan does not hold the old one. So the file is written once before, too: where
    that fails, nothing has been changed.
    """
    kept = persist(observed)
    if isinstance(desired.value, SecretRef):
        command = _secret_command(desired, observed, desired.value)
        return (*kept, RedisStep(command=command, hazards=risks), *kept)
    together = TOGETHER if observed.version >= SEVERAL_AT_ONCE and desired.parameter not in ALONE else ""
    pair = ("CONFIG", "SET", desired.parameter, wanted)
    return (RedisStep(command=pair, together=together, hazards=risks), *kept)


def undo(name: str, observed: ObservedSetting) -> tuple[RedisStep, ...]:
    """What puts the running value of now back, and persists that."""
    return (RedisStep(command=("CONFIG", "SET", name, observed.running or "")), *persist(observed))


def persist(observed: ObservedSetting) -> tuple[RedisStep, ...]:
    """With an ACL file the default user's password is read from there at a start, and not from the configuration."""
    if not observed.persists:
        return ()
    rewrite = () if observed.config_file == "" else (REWRITE_ONCE_WHOLE if observed.writes_append_only else REWRITE,)
    return (*rewrite, SAVE_USERS) if observed.aclfile else rewrite


def _secret_command(
    desired: RedisSetting, observed: ObservedSetting, secret: SecretRef
) -> tuple[str | SecretArgument, ...]:
    if observed.bypassed:
        # CONFIG SET of the value that CONFIG GET already shows does nothing (seen on 7.0 and Valkey 9).
        return ("ACL", "SETUSER", "default", "resetpass", SecretArgument(secret=secret, form="acl-hash"))
    return ("CONFIG", "SET", desired.parameter, SecretArgument(secret=secret))
