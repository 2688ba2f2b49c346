"""What the YAML may say of a target."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from reconciler.desired.address_map import Addresses
from reconciler.desired.each.source import Source
from reconciler.desired.labels import Labels
from reconciler.desired.policy_section import PolicySection
from reconciler.desired.role import Role
from reconciler.desired.urls import SYSTEMS
from reconciler.formulas.memory_amounts import parse_bytes
from reconciler.model import BY_HAND, Frozen, Note, System
from reconciler.yaml.suggestions import alternatives
from reconciler.yaml.verbatim_text import Text

_ONLY: Mapping[str, tuple[System, ...]] = {
    "replicas": (System.POSTGRES, System.REDIS),
    "checks_as": (System.POSTGRES,),
    "hide_values": (System.POSTGRES,),
    "direct": (System.POSTGRES,),
    "role": (System.POSTGRES,),
    "apply_as": (System.POSTGRES,),
    "restart": (System.POSTGRES,),
    "patroni": (System.POSTGRES,),
    "standbys": (System.POSTGRES,),
    "sentinels": (System.REDIS,),
    "silence": (System.POSTGRES, System.REDIS),
    "persist": (System.REDIS,),
    "addresses": (System.REDIS,),
}
"""Keys that not every system has."""


def _bytes(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("expected an amount of memory, like 16GB")
    return parse_bytes(value)


def _cpus(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch("[1-9][0-9]{0,4}", value):
        raise ValueError("expected a number of processors, like 8")
    return int(value)


Bytes = Annotated[int, BeforeValidator(_bytes, json_schema_input_type=str), WithJsonSchema({"type": "string"})]


Cpus = Annotated[
    int, BeforeValidator(_cpus, json_schema_input_type=str), WithJsonSchema({"type": ["string", "integer"]})
]


def _command(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a command, like systemctl restart postgresql, or {BY_HAND}")
    try:
        shlex.split(value)
    except ValueError as error:
        raise ValueError(f"this command cannot be split into words: {error}") from None
    return " ".join(value.split()) if value.split() == BY_HAND.split() else value.strip()


Restart = Annotated[str, BeforeValidator(_command, json_schema_input_type=str), WithJsonSchema({"type": "string"})]


_RESTART = f'Command that restarts it, run without a shell where reconciler runs; or "{BY_HAND}".'


class PatroniSection(Frozen):
    """Where Patroni's REST API is."""

    url: Text = Field(description="URL of the REST API of any member, like http://USER:PASSWORD@db1:8008.")


class StandbySection(Frozen):
    """A standby of the same cluster."""

    postgres: Text = Field(description="Its URL.")
    memory: Bytes | None = Field(None, description="Memory of its machine or container, like 16GB.")
    cpus: Cpus | None = Field(None, description="Processors of its machine or container, like 8.")
    restart: Restart | None = Field(None, description=_RESTART)


class TargetSection(Frozen):
    """A live system: its URL under the name of what it is, and its machine."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [system]} for system in SYSTEMS]}, title="Target"
    )

    postgres: Text | None = Field(None, description='URL of a PostgreSQL database, usually "${DATABASE_URL}".')
    redis: Text | None = Field(None, description='URL of a Redis or Valkey server, usually "${REDIS_URL}".')
    http: Text | None = Field(None, description="Base URL of an application; empty: there is none here.")
    memory: Bytes | None = Field(None, description="Memory of its machine or container, like 16GB.")
    cpus: Cpus | None = Field(None, description="Processors of its machine or container, like 8.")
    replicas: list[Text] = Field(
        default=[],
        description="URLs of a PostgreSQL target's standbys, asked whether they use an index before it goes; "
        "of a Redis target's replicas, which get the same settings and users.",
    )
    restart: Restart | None = Field(None, description=_RESTART)
    patroni: PatroniSection | None = Field(None, description="Patroni keeps this PostgreSQL's settings: its REST API.")
    standbys: dict[str, StandbySection] = Field(
        default={}, description="Standbys of a PostgreSQL target by name, whose instances get the same settings."
    )
    sentinels: list[Text] = Field(
        default=[],
        description="URLs of Sentinels that watch a Redis target; the host in its own URL is the name of the primary.",
    )
    checks_as: Text | None = Field(
        None,
        description="URL of a role that may less, by which the SQL of this PostgreSQL target's checklists is run.",
    )
    hide_values: bool = Field(
        default=False,
        description="Say no value of a user's table of this PostgreSQL target: in no plan, error, receipt.",
    )
    persist: bool = Field(
        default=True,
        description="Write what is applied to this Redis target into its files. no: it runs, and a restart forgets it.",
    )
    addresses: Addresses = Field(
        default={},
        description="Where the nodes of a Redis Cluster, or what Sentinels watch, are to be reached, by the address "
        'that they announce: {"10.0.0.1:6379": "localhost:7001"}, or of a host, all of its ports.',
    )
    direct: bool = Field(
        default=False,
        description="No pooler between shares sessions of this PostgreSQL target, where apply cannot find that out.",
    )
    role: Role = Field(
        default="",
        description="The role that sessions to this PostgreSQL target take on, as SET ROLE does; empty: none.",
    )
    apply_as: Role = Field(
        default="",
        description="Who logs in to apply to this PostgreSQL target. Plans of others say what that role may not run; "
        "empty: whoever plans applies.",
    )

    policy: PolicySection = Field(
        default=PolicySection(), description="What may be applied to it, by whose leave, and when."
    )
    silence: list[Note] = Field(
        default=[], description="Notes that its plans leave out, by the name that stands beside each: what-if."
    )
    labels: Labels = Field(default={}, description="What documents select targets by: {env: prod, tier: trial}.")
    each: Source | None = Field(
        None, description="Where rows come from, each of which makes a target of this template: ${column} is its value."
    )
    name: Text | None = Field(
        None, description='What the targets of a template are called: "tenant-${id}"; else by their column `name`.'
    )

    @model_validator(mode="after")
    def _named_by_its_key(self) -> Self:
        if self.name is not None and self.each is None:
            raise ValueError("a target is called by its key: `name` is for templates, with `each`")
        return self

    @model_validator(mode="after")
    def _one_system(self) -> Self:
        if len(self.model_fields_set & set(SYSTEMS)) != 1:
            raise ValueError(f"a target is exactly one of {alternatives(SYSTEMS)}, with its URL")
        for key, systems in _ONLY.items():
            if key in self.model_fields_set and self.system not in systems:
                raise ValueError(f"only a {alternatives([each.value for each in systems])} target has {key}")
        if self.patroni is not None and (self.restart is not None or self.standbys):
            raise ValueError("Patroni knows the members and restarts them: leave out restart and standbys")
        if self.sentinels and not urlsplit(self.url.replace("${", "")).hostname:
            raise ValueError(
                "with `sentinels`, the host in the URL is the name of the primary: redis://:PASSWORD@NAME/0"
            )
        if self.sentinels and self.replicas:
            raise ValueError("the Sentinels know the replicas: leave out replicas")
        return self

    @property
    def system(self) -> System:
        """The one system whose key is there."""
        return next(system for system in System if system.value in self.model_fields_set)

    @property
    def url(self) -> str:
        """Its URL as written; empty where nothing is."""
        return getattr(self, self.system.value) or ""


TARGET: TypeAdapter[TargetSection] = TypeAdapter(TargetSection)
