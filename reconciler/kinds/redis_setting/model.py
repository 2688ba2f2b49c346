"""What can be declared of one setting of Redis, and what a server shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag

from reconciler.model import Observed, Resource, SecretRef
from reconciler.yaml.verbatim_text import Text

NAME = "redis_setting"


def _form(value: Any) -> str | None:
    if isinstance(value, str):
        return "text"
    return "secret" if isinstance(value, SecretRef | dict) else None


Value = Annotated[
    Annotated[Text, Tag("text")] | Annotated[SecretRef, Tag("secret")],
    Discriminator(
        _form,
        custom_error_type="setting_value",
        custom_error_message='a value is missing: write text ("" for an empty one), {env: NAME} or {file: PATH}',
    ),
]
"""What stands behind the name of a setting in YAML."""


class RedisSetting(Resource):
    """One parameter of a server, by its name in lower case. `value` is text as declared, or where its secret is.

    `beside` are the texts that are declared of parameters which a formula, or a hazard, leans on: planning sees all of
    them together, and a change carries them along, because apply looks at one at a time.
    """

    carried: ClassVar[frozenset[str]] = frozenset({"beside"})

    value: Value
    beside: Mapping[str, str] = {}

    @property
    def parameter(self) -> str:
        """The name of the parameter."""
        return self.address.name


class ObservedSetting(Observed):
    """What a server shows of one parameter, and how the declared value reads there.

    state        "shown"; "unknown": the server has no such parameter; "hidden": CONFIG GET is denied (`message` says
                 what is missing); "no-config": the server has no CONFIG command.
    running      the value of CONFIG GET; None for a secret, of which only `is_set` is kept.
    wanted       the value to send, formulas worked out; None for a secret, and for a formula that comes to nothing.
    in_sync      the two mean the same.
    computed     how a formula came to `wanted`; `problem` says why one did not.
    beside       what is declared of the parameters that the formula, or a hazard, leans on.
    config_file  "": the server runs without one, None: not to be seen. `aclfile` likewise, "" where there is none.
    holds        bytes in use (`used_memory`).
    limit, policy, save, appendonly
                 what maxmemory (in bytes), maxmemory-policy, save and appendonly will be once all that is declared
                 together is applied: a hazard is one of the whole.
    append_only_file  of appendonly, by INFO persistence: whether a rewrite of it is under way, or the last one failed,
                 or the last write into it.
    snapshots_fail  the last snapshot failed.
    clients      how many are connected; None where that is not to be seen.
    open_to_others  the default user needs no password, and the server listens beyond this machine.
    replicas     how many replicas are connected to this primary; None of a replica, and where it is not to be seen.
    writes_append_only  appendonly is yes, declared, or not to be seen: CONFIG REWRITE waits until that file is whole.
    users_seen   whether the lines could be read that CONFIG REWRITE writes of users.
    bypassed     of requirepass: CONFIG GET shows the declared password, but the default user logs in otherwise.
    cut_off      of requirepass: replicas would no longer be let in; `watched`: Sentinels look after the server.
    url_has_it   of requirepass: the password in the target's URL is the declared one.
    locks_out    not empty: why this tool could not get in any more with the declared value.
    owner        not empty: whose managed service it is, with the way of changing a setting there.
    in_file      what a start would bring: "as-declared", "other", or "not-visible" from here.
    persisted    of "other": that value; empty for a secret. `line` is where it stands, empty for the default.
    rewritable   CONFIG REWRITE would reach that line. `argument`: it is the server's command line.
    overwritten  lines that wait for a restart, and that the next CONFIG REWRITE would overwrite.
    rewrite_breaks  not empty: why CONFIG REWRITE would fail, or keep the server from starting.
    persists     false: nothing is to be written into its files, and config_file and aclfile are empty.
    """

    product: str
    version: tuple[int, ...]
    state: Literal["shown", "unknown", "hidden", "no-config"] = "shown"
    message: str = ""
    running: str | None = None
    wanted: str | None = None
    in_sync: bool = False
    is_set: bool = False
    computed: str = ""
    problem: str = ""
    beside: Mapping[str, str] = {}
    config_file: str | None = None
    aclfile: str = ""
    holds: int | None = None
    limit: int = 0
    policy: str = ""
    save: str = ""
    appendonly: str = ""
    append_only_file: Literal["not-visible", "whole", "being-written", "failed", "not-written"] = "not-visible"
    snapshots_fail: bool = False
    clients: int | None = None
    open_to_others: bool = False
    replicas: int | None = None
    writes_append_only: bool = False
    users_seen: bool = True
    bypassed: bool = False
    cut_off: bool = False
    watched: bool = False
    url_has_it: bool = True
    locks_out: str = ""
    owner: str = ""
    in_file: Literal["not-visible", "as-declared", "other"] = "not-visible"
    persisted: str = ""
    line: str = ""
    rewritable: bool = True
    argument: bool = False
    overwritten: tuple[str, ...] = ()
    rewrite_breaks: str = ""
    persists: bool = True

    @property
    def server(self) -> str:
        """Product and version, for people."""
        return f"{self.product} {'.'.join(map(str, self.version))}".strip()
