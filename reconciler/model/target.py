"""A live system, as declared and as it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import SecretStr

from reconciler.model.base import Frozen


class System(StrEnum):
    """What a target is."""

    POSTGRES = "postgres"
    REDIS = "redis"
    HTTP = "http"


class SecretRef(Frozen):
    """Where a secret is found. Its value is looked up at the moment of use, and lives in no model."""

    env: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"${self.env}" if self.env is not None else f"file {self.file}"


BY_HAND = "by hand"
"""Of `Target.restart`: a person restarts the server, and apply waits for it."""


class Target(Frozen):
    """A live system as declared, or one node of one.

    memory       bytes; None means: ask the server, where it may be asked.
    cpus         how many processors it may use; None as for memory.
    replicas     PostgreSQL: URLs of its standbys, asked for evidence before an index is dropped: queries may use it
                 there alone. Redis: URLs of its replicas, which get the same settings and users.
    checks_as    URL by which the statements of checklists are run: of a role that may less.
    hide_values  no value of a user's table is ever said: not in a plan, an error or a receipt.
    credentials  by user: declared passwords that may be in force instead of the one in the URL.
    restart      the command that restarts the server, run on this machine; BY_HAND: a person does; empty: no plan
                 restarts it.
    patroni      URL of a Patroni REST API that keeps the settings of the instance, and restarts it.
    sentinels    URLs of the Sentinels that know where `url`, whose host is the name of a primary, is to be found.
    standbys     further nodes of a PostgreSQL cluster, whose instances get the same settings.
    node_of      the name of the target that it is a node of; empty: it is none.
    direct       whoever declared it knows that nothing between shares sessions of this PostgreSQL.
    beside       of a node of a Redis target: the other nodes, since what is in use on one of them is needed on all.
    role         that sessions to this PostgreSQL take on; empty: they stay who logged in.
    persist      false: what is applied to this Redis is meant to run only: nothing writes it into its files.
    addresses    of a Redis Cluster, or of what Sentinels watch: where an address that is announced is to be reached.
    """

    name: str
    system: System
    url: SecretStr
    memory: int | None = None
    cpus: int | None = None
    replicas: tuple[SecretStr, ...] = ()
    checks_as: SecretStr | None = None
    hide_values: bool = False
    credentials: Mapping[str, tuple[SecretRef, ...]] = {}
    restart: str = ""
    patroni: SecretStr | None = None
    sentinels: tuple[SecretStr, ...] = ()
    standbys: tuple[Target, ...] = ()
    node_of: str = ""
    direct: bool = False
    beside: tuple[Target, ...] = ()
    role: str = ""
    persist: bool = True
    addresses: Mapping[str, str] = {}
    declared_at: str = ""


class TargetInfo(Frozen):
    """A live system as a plan saw it.

    `identity` tells this very system from every other (PostgreSQL: system identifier and database; Redis: none across
    restarts, so host and port); a plan is only applied where it is the same. `role` is "primary" or "standby" of a node
    of a PostgreSQL cluster, and has to be the same, too: it decides the order. `as_role` is the role that sessions take
    on (`Target.role`), likewise: it decides what may run, and where names are looked for. `node_of` as in Target.
    """

    system: System
    product: str
    version: str
    location: str
    database: str = ""
    identity: str = ""
    role: str = ""
    as_role: str = ""
    node_of: str = ""
