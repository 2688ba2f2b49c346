"""A live system, as declared and as it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import SecretStr

from reconciler.model.base import Frozen
from reconciler.model.note import Note
from reconciler.model.policy import NO_POLICY, Policy


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
"""Of `PostgresTarget.restart`: a person restarts the server, and apply waits for it."""


class BaseTarget(Frozen):
    """What every target says of itself, or each node of one.

    memory       bytes; None means: ask the server, where it may be asked.
    cpus         how many processors it may use; None as for memory.
    labels       what documents select it by.
    node_of      the name of the target that it is a node of; empty: it is none.
    policy       what may be applied to it, and when.
    silence      notes that its plans leave out.
    declared_at  file:line:column.
    """

    name: str
    url: SecretStr
    memory: int | None = None
    cpus: int | None = None
    labels: Mapping[str, str] = {}
    node_of: str = ""
    policy: Policy = NO_POLICY
    silence: frozenset[Note] = frozenset()
    declared_at: str = ""


class PostgresTarget(BaseTarget):
    """A PostgreSQL as declared, or one node of one.

    replicas     URLs of its standbys, asked for evidence before an index is dropped: queries may use it there alone.
    standbys     further nodes of the cluster, whose instances get the same settings.
    patroni      URL of a Patroni REST API that keeps the settings of the instance, and restarts it.
    restart      the command that restarts the server, run on this machine; BY_HAND: a person does; empty: no plan
                 restarts it.
    role         that sessions take on; empty: they stay who logged in.
    apply_as     who logs in to apply, and alone takes on `role`; empty: whoever plans.
    checks_as    URL by which the statements of checklists are run: of a role that may less.
    hide_values  no value of a user's table is ever said: not in a plan, an error or a receipt.
    direct       whoever declared it knows that nothing between shares sessions.
    """

    system: Literal[System.POSTGRES] = System.POSTGRES
    replicas: tuple[SecretStr, ...] = ()
    standbys: tuple[PostgresTarget, ...] = ()
    patroni: SecretStr | None = None
    restart: str = ""
    role: str = ""
    apply_as: str = ""
    checks_as: SecretStr | None = None
    hide_values: bool = False
    direct: bool = False


class RedisTarget(BaseTarget):
    """A Redis or Valkey as declared, or one node of one.

    replicas     URLs of its replicas, which get the same settings and users.
    sentinels    URLs of the Sentinels that know where `url`, whose host is the name of a primary, is to be found.
    addresses    of a Redis Cluster, or of what Sentinels watch: where an address that is announced is to be reached.
    beside       of a node: the other nodes, since what is in use on one of them is needed on all.
    credentials  by user: declared passwords that may be in force instead of the one in the URL.
    persist      false: what is applied is meant to run only: nothing writes it into files.
    """

    system: Literal[System.REDIS] = System.REDIS
    replicas: tuple[SecretStr, ...] = ()
    sentinels: tuple[SecretStr, ...] = ()
    addresses: Mapping[str, str] = {}
    beside: tuple[RedisTarget, ...] = ()
    credentials: Mapping[str, tuple[SecretRef, ...]] = {}
    persist: bool = True


class HttpTarget(BaseTarget):
    """An application that speaks HTTP; its URL is empty where there is none here."""

    system: Literal[System.HTTP] = System.HTTP


Target = PostgresTarget | RedisTarget | HttpTarget
"""A live system; `system` tells which."""


class TargetInfo(Frozen):
    """A live system as a plan saw it.

    `identity` tells this very system from every other (PostgreSQL: system identifier and database; Redis: none across
    restarts, so host and port); a plan is only applied where it is the same. `role` is "primary" or "standby" of a node
    of a PostgreSQL cluster, and has to be the same, too: it decides the order. `as_role` is the role that sessions take
    on (`PostgresTarget.role`), likewise: it decides what may run, and where names are looked for. `apply_as` is who is
    to log in to apply, where that is declared: what is said to be forbidden is so to that role. `node_of` as in
    BaseTarget.
    """

    system: System
    product: str
    version: str
    location: str
    database: str = ""
    identity: str = ""
    role: str = ""
    as_role: str = ""
    apply_as: str = ""
    node_of: str = ""
