"""What a server shows of declared settings: one round trip for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from reconciler.kinds.redis_setting import formulas
from reconciler.kinds.redis_setting.model import ObservedSetting, RedisSetting
from reconciler.kinds.redis_setting.parameters import PROTECTED, SECRETS
from reconciler.kinds.redis_setting.values import agree
from reconciler.model import Address, SecretRef
from reconciler.targets.redis import RedisSession, Refusal

ASIDE = {
    "acl": ("ACL", "GETUSER", "default"),
    "aclfile": ("CONFIG", "GET", "aclfile"),
    "memory": ("INFO", "memory"),
    "protected": ("CONFIG", "GET", "enable-protected-configs"),
}
"""What some parameters are read together with. The hashes of passwords in ACL GETUSER are not kept."""

NEEDS: Mapping[str, Sequence[str]] = {
    "requirepass": ("acl", "aclfile"),
    "maxmemory": ("memory",),
    "maxmemory-policy": ("memory",),
    **dict.fromkeys(PROTECTED, ("protected",)),
}

LOCAL = ("127.", "localhost", "::1", "/")
"""How addresses begin that `enable-protected-configs local` takes for local."""


def observe(session: RedisSession, wanted: Sequence[RedisSetting]) -> Mapping[Address, ObservedSetting]:
    """Every wanted setting by its address. Only declared names are asked for: a pattern would answer with passwords.

    Raises ConnectionFailed; DesiredError where a secret is missing.
    """
    aside = sorted({need for setting in wanted for need in NEEDS.get(setting.parameter, ())})
    known = formulas.declared(wanted)
    operands = formulas.to_be_read(wanted, known)
    answers = session.read_all(
        [
            *(("CONFIG", "GET", setting.parameter) for setting in wanted),
            *(("CONFIG", "GET", name) for name in operands),
            *(ASIDE[name] for name in aside),
        ]
    )
    first, last = len(wanted), len(wanted) + len(operands)
    beside = {
        name: answer for name, answer in zip(aside, answers[last:], strict=True) if not isinstance(answer, Refusal)
    }
    worth = formulas.Operands(session, known, dict(zip(operands, answers[first:last], strict=True)))
    return {
        setting.address: _observed(session, setting, answer, beside, worth).model_copy(
            update={"beside": formulas.beside(setting, known)}
        )
        for setting, answer in zip(wanted, answers[:first], strict=True)
    }


def _observed(
    session: RedisSession, setting: RedisSetting, answer: Any, beside: Mapping[str, Any], worth: formulas.Operands
) -> ObservedSetting:
    common: dict[str, Any] = {
        "product": session.info.product,
        "version": session.version,
        "config_file": session.config_file,
    }
    if isinstance(answer, Refusal):
        return ObservedSetting(**common, state="no-config" if answer.unknown else "hidden", message=answer.message)
    if not answer:
        return ObservedSetting(**common, state="unknown")
    [running] = answer.values()
    if isinstance(setting.value, SecretRef) or setting.parameter in SECRETS:
        return ObservedSetting(**common, **_secret(session, setting, running, beside))
    wanted, computed, problem = worth.of(setting.parameter, setting.value)
    info = beside.get("memory", {})
    guard = beside.get("protected", {}).get("enable-protected-configs", "yes")  # before 7.0 nothing was protected
    return ObservedSetting(
        **common,
        running=running,
        wanted=wanted,
        in_sync=wanted is not None and agree(setting.parameter, wanted, running),
        computed=computed,
        problem=problem,
        holds=info.get("used_memory"),
        limit=info.get("maxmemory", 0),
        policy=info.get("maxmemory_policy", ""),
        may_be_set=guard == "yes" or (guard == "local" and session.info.location.startswith(LOCAL)),
    )


def _secret(session: RedisSession, setting: RedisSetting, running: str, beside: Mapping[str, Any]) -> dict[str, Any]:
    session.secrets.remember(running)
    wanted = session.secrets.resolve(setting.value) if isinstance(setting.value, SecretRef) else setting.value
    seen: dict[str, Any] = {"is_set": bool(running), "in_sync": wanted == running}
    if setting.parameter != "requirepass":
        return seen
    seen["aclfile"] = beside.get("aclfile", {}).get("aclfile", "")
    seen["url_has_it"] = session.user != "default" or session.logs_in_with(wanted) or not wanted
    user = beside.get("acl")
    if wanted and wanted == running and user is not None:
        # CONFIG GET goes on showing requirepass after ACL SETUSER has changed what the default user logs in with.
        known = sha256(wanted.encode()).hexdigest() in user["passwords"]
        seen["bypassed"] = "nopass" in user["flags"] or not known
        seen["in_sync"] = not seen["bypassed"]
    return seen
