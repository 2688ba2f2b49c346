"""What a server shows of declared settings: one round trip for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from reconciler.kinds.redis_setting.model import ObservedSetting, RedisSetting
from reconciler.kinds.redis_setting.persisted import password_after_a_start, persisted
from reconciler.kinds.redis_setting.risk import together
from reconciler.kinds.redis_setting.risk.lockout import locks_out
from reconciler.kinds.redis_setting.risk.replica_passwords import cut_off, declares_masterauth, kept_beside
from reconciler.kinds.redis_setting.values import agree, formulas, shown
from reconciler.kinds.redis_setting.values.parameters import PROTECTED, SECRETS, is_immutable
from reconciler.model import Address, SecretRef
from reconciler.targets.redis.redis_conf import Line
from reconciler.targets.redis.session import RedisSession, Refusal
from reconciler.targets.redis.unloadable_users import breaks

ASIDE = {
    "acl": ("ACL", "GETUSER", "default"),
    "aclfile": ("CONFIG", "GET", "aclfile"),
    "bind": ("CONFIG", "GET", "bind"),
    "client": ("CLIENT", "INFO"),
    "clients": ("INFO", "clients"),
    "masterauth": ("CONFIG", "GET", "masterauth"),
    "maxmemory-clients": ("CONFIG", "GET", "maxmemory-clients"),
    "replication": ("INFO", "replication"),
    "memory": ("INFO", "memory"),
    "persistence": ("INFO", "persistence"),
    "save": ("CONFIG", "GET", "save"),
    "tls-port": ("CONFIG", "GET", "tls-port"),
    "users": ("ACL", "LIST"),
}
"""What some parameters are read together with. The hashes of passwords in ACL GETUSER and ACL LIST are not kept."""

ALWAYS = ("aclfile", "persistence", "users")
"""What CONFIG REWRITE writes down beside any parameter, and could make a server that does not start, or has no keys."""

NEEDS: Mapping[str, Sequence[str]] = {
    "requirepass": ("acl", "aclfile", "masterauth", "replication"),
    "appendonly": ("save",),
    "min-replicas-to-write": ("replication",),
    "min-slaves-to-write": ("replication",),
    "maxmemory": ("memory", "maxmemory-clients"),
    "maxmemory-policy": ("memory",),
    "bind": ("client",),
    "protected-mode": ("client", "acl", "bind"),
    "maxclients": ("clients",),
    "client-output-buffer-limit": ("clients",),
    "maxmemory-clients": ("memory",),
    "tls-replication": ("tls-port",),
    "tls-cluster": ("tls-port",),
}


def observe(session: RedisSession, wanted: Sequence[RedisSetting]) -> Mapping[Address, ObservedSetting]:
    """Every wanted setting by its address. Only declared names are asked for: a pattern would answer with passwords.

    Raises ConnectionFailed; DesiredError where a secret is missing.
    """
    aside = sorted({*ALWAYS, *(need for setting in wanted for need in NEEDS.get(setting.parameter, ()))})
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
    beside: dict[str, Any] = {
        name: answer for name, answer in zip(aside, answers[last:], strict=True) if not isinstance(answer, Refusal)
    }
    beside["encrypted"] = session.encrypted
    beside["declares"] = declares_masterauth(wanted)
    worth = formulas.Operands(session, known, dict(zip(operands, answers[first:last], strict=True)))
    lines = session.files.configuration()
    users = answers[last + aside.index("users")]
    if isinstance(users, Refusal) and users.unknown:
        beside["users"] = ()  # a server that has none
    seen = {
        setting.address: _observed(session, setting, answer, beside, lines, worth).model_copy(
            update={
                "beside": {
                    **formulas.beside(setting, known),
                    **kept_beside(setting, wanted),
                    **together.kept_beside(setting, known),
                }
            }
        )
        for setting, answer in zip(wanted, answers[:first], strict=True)
    }
    waiting = tuple(one.line for address, one in seen.items() if _waits(address.name, one))
    common = {
        "overwritten": waiting,
        "writes_append_only": together.writes_append_only(known, beside.get("persistence")),
    }
    acl_file = _text(beside, "aclfile")
    broken = _broken(session, acl_file, beside.get("users", ()))
    return {
        address: one.model_copy(
            update={
                **common,
                "rewrite_breaks": broken[bool(one.aclfile)],
                # Where they have a file of their own, only what writes that has to see them.
                "users_seen": "users" in beside or bool(acl_file and not one.aclfile),
            }
        )
        for address, one in seen.items()
    }


def _broken(session: RedisSession, acl_file: str, users: Sequence[str]) -> Mapping[bool, str]:
    """Why CONFIG REWRITE would fail, or the server would not start any more after it; True: that and ACL SAVE.

    Where there is an ACL file, the configuration holds no users.
    """
    if not session.target.persist:
        return {False: "", True: ""}
    rewriting = session.files.rewrite_breaks(session.version)
    saving = session.files.save_breaks(acl_file) or breaks(users, acl_file=True)
    return {False: rewriting or ("" if acl_file else breaks(users, acl_file=False)), True: rewriting or saving}


def _text(beside: Mapping[str, Any], name: str) -> str:
    """The running value of the parameter `name`; empty where it is not to be seen, too."""
    return str(beside.get(name, {}).get(name, ""))


def _waits(name: str, observed: ObservedSetting) -> bool:
    """True for what only a restart can bring, and would."""
    fixed = is_immutable(name, observed.product, observed.version) or name in PROTECTED
    return fixed and observed.in_file == "as-declared" and not observed.in_sync and bool(observed.line)


def _observed(
    session: RedisSession,
    setting: RedisSetting,
    answer: Any,
    beside: Mapping[str, Any],
    lines: Sequence[Line] | None,
    worth: formulas.Operands,
) -> ObservedSetting:
    product, version = session.info.product, session.version
    common: dict[str, Any] = {
        "product": product,
        "version": version,
        "config_file": session.config_file if session.target.persist else "",
        "persists": session.target.persist,
        "owner": session.owner,
    }
    if not session.target.persist and not is_immutable(setting.parameter, product, version):
        lines = None
    if isinstance(answer, Refusal):
        missing = answer.unknown or (session.owner and not answer.denied)
        return ObservedSetting(**common, state="no-config" if missing else "hidden", message=answer.message)
    if not answer:
        return ObservedSetting(**common, state="unknown")
    [running] = answer.values()
    name = setting.parameter
    if isinstance(setting.value, SecretRef) or name in SECRETS:
        return ObservedSetting(**common, **_secret(session, setting, running, beside, lines))
    wanted, computed, problem = worth.of(name, setting.value)
    info = beside.get("memory", {})
    in_sync = wanted is not None and agree(name, wanted, running)
    if lines is not None and wanted is not None:
        common |= _in_file(name, wanted, lines, product, version)
    return ObservedSetting(
        **common,
        running=running,
        wanted=wanted,
        in_sync=in_sync,
        computed=computed,
        problem=problem,
        holds=info.get("used_memory"),
        limit=together.limit(worth, info),
        policy=worth.declared("maxmemory-policy", info.get("maxmemory_policy", "")).lower(),
        save=worth.declared("save", _text(beside, "save")),
        appendonly=worth.declared("appendonly", together.running(beside.get("persistence"))).lower(),
        clients=beside.get("clients", {}).get("connected_clients"),
        append_only_file=together.append_only_file(beside.get("persistence")),
        snapshots_fail=beside.get("persistence", {}).get("rdb_last_bgsave_status") == "err",
        open_to_others=together.open_to_others(beside.get("acl"), _text(beside, "bind")),
        replicas=together.replicas(beside.get("replication")),
        locks_out="" if in_sync or wanted is None else locks_out(name, wanted, beside),
    )


def _in_file(name: str, wanted: str, lines: Sequence[Line], product: str, version: tuple[int, ...]) -> dict[str, Any]:
    found = persisted(name, lines, product, version)
    if found is None:
        return {}
    if agree(name, wanted, found.text):
        return {"in_file": "as-declared", "line": found.at}
    return {
        "in_file": "other",
        "persisted": shown(name, found.text, wanted),
        "line": found.at,
        "rewritable": found.rewritable,
        "argument": found.argument,
    }


def _secret(
    session: RedisSession,
    setting: RedisSetting,
    running: str,
    beside: Mapping[str, Any],
    lines: Sequence[Line] | None,
) -> dict[str, Any]:
    session.secrets.remember(running)
    declared = setting.value
    wanted = session.secrets.resolve(declared, setting) if isinstance(declared, SecretRef) else declared
    seen: dict[str, Any] = {"is_set": bool(running), "in_sync": wanted == running}
    if setting.parameter != "requirepass":
        found = persisted(setting.parameter, lines, session.info.product, session.version) if lines else None
        if found is None:
            return seen
        argument = {"argument": found.argument}
        return seen | argument | _compared(found.text == wanted, found.at, found.rewritable)
    acl_file = _text(beside, "aclfile") if session.target.persist else ""
    seen["aclfile"] = acl_file
    seen |= cut_off(session, wanted, beside)
    seen["url_has_it"] = session.user != "default" or session.logs_in_with(wanted) or not wanted
    kept = password_after_a_start(wanted, lines, session.files.users(acl_file) if acl_file else None, bool(acl_file))
    if kept is not None and session.target.persist:
        seen |= _compared(*kept)
    user = beside.get("acl")
    if wanted and wanted == running and user is not None:
        # CONFIG GET goes on showing requirepass after ACL SETUSER has changed what the default user logs in with.
        known = sha256(wanted.encode()).hexdigest() in user["passwords"]
        seen["bypassed"] = "nopass" in user["flags"] or not known
        seen["in_sync"] = not seen["bypassed"]
    return seen


def _compared(same: bool, line: str, rewritable: bool = True) -> dict[str, Any]:
    return {"in_file": "as-declared" if same else "other", "line": line, "rewritable": rewritable}
