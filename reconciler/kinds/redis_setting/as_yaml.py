"""What a server has set, as the YAML that declares it.

CONFIG GET is sent for single names, those of `parameters.KNOWN` that are no secrets, all in one round trip: a pattern
would answer with passwords. What differs from the defaults (`defaults.py`) is declared again from what was written and
planned against the server it came from; only what needs no change is kept.

Decided: docs/decisions.md#secrets-of-redis
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from reconciler.errors import DesiredError
from reconciler.formulas.units import REDIS_BINARY, dividing
from reconciler.kind import Declaration, Kind
from reconciler.kinds.as_yaml import fitting, objection
from reconciler.kinds.redis_setting.declare import declare
from reconciler.kinds.redis_setting.model import ObservedSetting, RedisSetting
from reconciler.kinds.redis_setting.values import agree, buffer_limits, meaning
from reconciler.kinds.redis_setting.values.defaults import OF_THE_MACHINE, defaults
from reconciler.kinds.redis_setting.values.parameters import ALIASES, KNOWN, MEMORY, PROTECTED, SECRETS, is_immutable
from reconciler.targets.redis.session import RedisSession, Refusal
from reconciler.yaml.writing import LeftOut, Noted, gathered

SECTION = "settings"

ROLE = frozenset({"replicaof", "slaveof"})
"""Who replicates whom changes with every failover, and is no setting."""

OF_ONE_NODE = frozenset(
    {
        *("bind", "cluster-announce-bus-port", "cluster-announce-client-ipv4", "cluster-announce-client-ipv6"),
        *("cluster-announce-hostname", "cluster-announce-human-nodename", "cluster-announce-ip"),
        *(
            "cluster-announce-port",
            "cluster-announce-tls-port",
            "cluster-config-file",
            "dir",
            "logfile",
            "pidfile",
            "port",
        ),
        *("replica-announce-ip", "replica-announce-port", "tls-port", "unixsocket", "unixsocketperm"),
    }
)
"""What each server has for itself: declared for several nodes, it would be wrong for all but one; for one alone, on the
next machine. It can be declared all the same."""

OF_ITS_PLACE = "where this server is reached, and has its files; another one has another place"

BUILT_IN = frozenset({"lua"})
"""Modules that every server of a version has: seen on Valkey 9.1."""


def written(kind: Kind[RedisSession, RedisSetting, ObservedSetting], session: RedisSession) -> dict[str, Any]:
    """The section `settings`. Raises TargetError."""
    names = sorted(KNOWN - SECRETS)
    *answers, user, modules = session.read_all(
        [*(("CONFIG", "GET", name) for name in names), ("ACL", "GETUSER", "default"), ("MODULE", "LIST")]
    )
    if isinstance(answers[0], Refusal):
        return {SECTION: LeftOut(f"not visible: {answers[0].message}")}
    running = {name: answer[name] for name, answer in zip(names, answers, strict=True) if _holds(answer, name)}
    running = {name: value for name, value in running.items() if ALIASES.get(name) not in running}
    guess, known = defaults(session.info.product, session.version)
    entries: dict[str, Any] = {}
    forms: dict[str, list[str]] = {}
    for name, value in running.items():
        default = known.get(name)
        if default is not None and agree(name, default, value):
            continue
        if name in OF_ONE_NODE:
            why = "each node has its own" if session.target.node_of else OF_ITS_PLACE
            entries[name] = LeftOut(why, is_expected=True)
        elif name in ROLE:
            entries[name] = LeftOut("which server this one replicates is decided by REPLICAOF, Sentinel or the cluster")
        else:
            entries[name] = Noted(value, _comment(session, name, default))
            forms[name] = [_spelled(name, value, default or ""), value]
    fit, unfit = fitting(forms, partial(_objections, kind, session))
    entries |= {name: Noted(text, entries[name].comment) for name, text in fit.items()}
    entries |= {name: LeftOut(f"cannot be declared as it is: {said}") for name, said in unfit.items()}
    entries |= _secrets(user) | _modules(modules)
    if not _is_exact(session, guess):
        entries["further parameters of this version"] = LeftOut("not asked for, since their names are not known here")
    return {SECTION: Noted(gathered(entries), _origin(session, guess))}


def _holds(answer: Any, name: str) -> bool:
    return isinstance(answer, Mapping) and name in answer


def _origin(session: RedisSession, guess: str) -> str:
    """What can be known of where the values come from: the server tells its file, and of no value where it is from."""
    match session.config_file:
        case None:
            where = "from a file, the command line or CONFIG SET (which file is not to be seen without INFO)"
        case "":
            where = "from the command line or CONFIG SET: the server has no config file"
        case file:
            where = f"from {file}, the command line or CONFIG SET"
    if _is_exact(session, guess):
        return where
    return f"{where}; compared with the defaults of {guess}, for want of this version's own"


def _is_exact(session: RedisSession, guess: str) -> bool:
    """Whether the defaults are those of this very version, which then was seen."""
    return guess == f"{session.info.product} {'.'.join(map(str, session.version[:2]))}"


def _comment(session: RedisSession, name: str, default: str | None) -> str:
    if name in OF_THE_MACHINE:
        told = "no default"
    else:
        told = "default unknown here" if default is None else f"default {_spelled(name, default, '') or _NOTHING}"
    restart = is_immutable(name, session.info.product, session.version)
    protected = name in PROTECTED and session.version >= (7,)
    return f"of the file or command line, {told}" if restart or protected else told


_NOTHING = '""'


def _spelled(name: str, text: str, default: str) -> str:
    """`text` as people write it; of buffer limits only the classes that are not as in `default`."""
    try:
        if name in MEMORY:
            amount = meaning(name, text)
            return _amount(amount) if isinstance(amount, int) else text
        if name == "client-output-buffer-limit":
            usual = buffer_limits(default) if default else {}
            return " ".join(
                f"{limited} {_amount(hard)} {_amount(soft)} {seconds}"
                for limited, (hard, soft, seconds) in buffer_limits(text).items()
                if usual.get(limited) != (hard, soft, seconds)
            )
    except ValueError:
        pass  # the server's own word for it
    return text


def _amount(number: int) -> str:
    unit = dividing(number, REDIS_BINARY)
    return str(number) if unit == "b" else f"{number // REDIS_BINARY[unit]}{unit}"


def _objections(
    kind: Kind[RedisSession, RedisSetting, ObservedSetting], session: RedisSession, chosen: Mapping[str, str]
) -> dict[str, str]:
    """What a plan has to say against each entry."""
    said = dict.fromkeys(chosen, "")
    resources: list[RedisSetting] = []
    for name, text in chosen.items():
        try:
            resources += _declared(session, name, text)
        except DesiredError as error:
            said[name] = str(error)
    observed = kind.observe(session, resources)
    for resource in resources:
        outcomes = kind.plan(resource, observed.get(resource.address))
        said[resource.parameter] = objection(outcomes)
    return said


def _declared(session: RedisSession, name: str, text: str) -> Iterable[RedisSetting]:
    return declare(Declaration(session.target, SECTION, {name: text}, "", lambda path: ""))


def _secrets(user: Any) -> dict[str, LeftOut]:
    """That requirepass is set is seen from the user that it is the password of; no other secret is asked for."""
    others = ", ".join(sorted(SECRETS - ALIASES.keys() - {"requirepass"}))
    found = {others: LeftOut("secrets, not asked for; where they are set, declare them as {env: NAME} or {file: PATH}")}
    if isinstance(user, Refusal):
        found["requirepass"] = LeftOut(f"whether it is set is not visible: {user.message}")
    elif user["passwords"]:
        found["requirepass"] = LeftOut(
            "the user default has a password; where it is that of requirepass, declare it as {env: REDIS_PASSWORD}"
        )
    return found


def _modules(answer: Any) -> dict[str, LeftOut]:
    if isinstance(answer, Refusal):
        return {}
    names = {str(dict(zip(module[::2], module[1::2], strict=True))["name"]) for module in answer} - BUILT_IN
    if not names:
        return {}
    listed = ", ".join(sorted(names))
    return {f"parameters of modules ({listed})": LeftOut("not asked for, since their names are not known here")}
