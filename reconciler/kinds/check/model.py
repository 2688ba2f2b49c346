"""What the YAML of a checklist may say, and the item that comes of it.

Decided: docs/decisions.md#several-checks-in-one-item
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from reconciler.kinds.check.expectations import Expectations, Expecting
from reconciler.kinds.check.fields import (
    Day,
    Days,
    EventFlags,
    JsonPointer,
    MemoryAmount,
    Number,
    PathOnTarget,
    PgSettingName,
    RedisCommand,
    RedisSettingName,
    Regex,
    RelativePaths,
    Statuses,
    Words,
)
from reconciler.kinds.check.statement import one_reading_statement
from reconciler.model import Frozen, Resource, SecretRef, Severity, System
from reconciler.yaml.text_type import Text
from reconciler.yaml.wording import unknown


class SqlCheck(Expectations):
    """One statement that reads: its single value is as expected, or it has no rows. Bounds may be bytes ("64MB",
    "100% of memory") where the value is bytes."""

    sql: Annotated[str, AfterValidator(one_reading_statement)]
    is_empty: bool | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SqlCheck:
        if self.expects_something == (self.is_empty is not None):
            raise ValueError("expected either is_empty, or what its one value has to be (equals, at_most, …)")
        return self


class PgSettingCheck(Expecting):
    """The running value of a PostgreSQL setting, understood in the setting's own unit."""

    pg_setting: PgSettingName


class RedisSettingCheck(Expectations):
    """The running value of a Redis setting. `flags` is for notify-keyspace-events: at least these events are on."""

    redis_setting: RedisSettingName
    flags: EventFlags | None = None

    @model_validator(mode="after")
    def _expects(self) -> RedisSettingCheck:
        if self.flags is not None and self.redis_setting != "notify-keyspace-events":
            raise ValueError("flags are of notify-keyspace-events only")
        if not self.expects_something and self.flags is None:
            raise ValueError(f"nothing is expected: give one of {', '.join(Expectations.model_fields)}, flags")
        return self


class RedisInfoCheck(Expecting):
    """One field of INFO."""

    redis_info: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    section: Annotated[str, Field(pattern=r"^[A-Za-z]+$")] = "default"


class RedisUserCheck(Frozen):
    """A user exists and may run none of the commands; `config|set` names a subcommand, `config` all but HELP."""

    redis_user: Words
    may_not: Annotated[tuple[RedisCommand, ...], Field(min_length=1)]


class RedisUnauthenticatedCheck(Frozen):
    """A PING from a connection without credentials is refused."""

    redis_unauthenticated: Literal["refused"]


class RedisPersistenceCheck(Frozen):
    """Snapshots or the append-only file are on, and the last write of each that is on went well."""

    redis_persistence: Literal["healthy"]


class RedisFragmentationCheck(Frozen):
    """mem_fragmentation_ratio is at most this, or what is lost is less than `bytes`.

    The default of `bytes`, and that a Redis under 5 MB is not judged, are MEMORY DOCTOR's.
    """

    redis_fragmentation: Number
    bytes: MemoryAmount = "10MB"


class IndexesCheck(Frozen):
    """Every declared index of the target is there, valid and as declared: the plan itself decides."""

    indexes: Literal["declared"]


class HeaderExpectation(Frozen):
    """What a response header has to be; `{}` or `present: yes`: to be there at all."""

    present: bool = True
    equals: Text | None = None
    one_of: tuple[Text, ...] | None = None
    matches: Regex | None = None

    @model_validator(mode="after")
    def _absent_is_all(self) -> HeaderExpectation:
        if not self.present and (self.equals, self.one_of, self.matches) != (None, None, None):
            raise ValueError("a header that must not be there can have no value")
        return self


class HttpExpectation(Frozen):
    """What an answer has to be. `revalidates`: asked again with its own ETag or Last-Modified, it says 304."""

    status: Statuses = (200,)
    header: Mapping[str, HeaderExpectation] = {}
    revalidates: bool = False


class HttpRequest(Frozen):
    """One request. Header values may be secrets: {env: NAME}."""

    path: PathOnTarget
    method: Literal["GET", "HEAD"] = "GET"
    headers: Mapping[str, str | SecretRef] = {}
    expect: HttpExpectation = HttpExpectation()


class HttpCheck(Frozen):
    """The answer of the application to one request."""

    http: HttpRequest


class FileExpectation(Expectations):
    """What a file holds. Several paths: one of them that satisfies is enough. `json` points at a value, which is there
    and as expected. `optional`: without any of the files the item does not apply."""

    path: RelativePaths
    json_pointer: JsonPointer | None = Field(default=None, alias="json")
    contains: Words | None = None
    matches: Regex | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _value_needs_pointer(self) -> FileExpectation:
        if self.expects_something and self.json_pointer is None:
            raise ValueError("equals, at_most, … are of a JSON value: say which with `json: /pointer/to/it`")
        return self


class FileCheck(Frozen):
    """Something written in a file beside the YAML: package.json, a Dockerfile."""

    file: FileExpectation


class Attestation(Frozen):
    """What only a person can vouch for. Without `by`, `on` and `evidence` nobody has vouched yet, and it fails."""

    every: Days
    by: Words | None = None
    on: Day | None = None
    evidence: Words | None = None

    @model_validator(mode="after")
    def _whole(self) -> Attestation:
        given = [self.by is not None, self.on is not None, self.evidence is not None]
        if any(given) and not all(given):
            raise ValueError("an attestation says by whom, on which day and with what evidence: by, on, evidence")
        return self


class AttestationCheck(Frozen):
    """A person vouches for it, again and again."""

    attestation: Attestation


CHECKS: Mapping[str, tuple[type[Frozen], System | None]] = {
    "sql": (SqlCheck, System.POSTGRES),
    "pg_setting": (PgSettingCheck, System.POSTGRES),
    "indexes": (IndexesCheck, System.POSTGRES),
    "redis_setting": (RedisSettingCheck, System.REDIS),
    "redis_info": (RedisInfoCheck, System.REDIS),
    "redis_user": (RedisUserCheck, System.REDIS),
    "redis_unauthenticated": (RedisUnauthenticatedCheck, System.REDIS),
    "redis_persistence": (RedisPersistenceCheck, System.REDIS),
    "redis_fragmentation": (RedisFragmentationCheck, System.REDIS),
    "http": (HttpCheck, System.HTTP),
    "file": (FileCheck, None),
    "attestation": (AttestationCheck, None),
}
"""Every type of check by the key that names it, and the system it needs (None: any)."""


def check_key(value: Any) -> str | None:
    """The key that says which type of check `value` is: of YAML, or of a model. None where there is none."""
    names = value if isinstance(value, Mapping) else getattr(type(value), "model_fields", {})
    return next((name for name in names if name in CHECKS), None)


def _tag(value: Any) -> str | None:
    key = check_key(value)
    return f"{key} check" if key else None  # unlike any key: a tag in an error's location must not be taken for one


def _knows_its_type(value: object) -> object:
    if isinstance(value, Mapping) and check_key(value) is None:
        raise ValueError(unknown("type of check", str(next(iter(value), "")), CHECKS))
    return value


Check = Annotated[
    Annotated[SqlCheck, Tag("sql check")]
    | Annotated[PgSettingCheck, Tag("pg_setting check")]
    | Annotated[IndexesCheck, Tag("indexes check")]
    | Annotated[RedisSettingCheck, Tag("redis_setting check")]
    | Annotated[RedisInfoCheck, Tag("redis_info check")]
    | Annotated[RedisUserCheck, Tag("redis_user check")]
    | Annotated[RedisUnauthenticatedCheck, Tag("redis_unauthenticated check")]
    | Annotated[RedisPersistenceCheck, Tag("redis_persistence check")]
    | Annotated[RedisFragmentationCheck, Tag("redis_fragmentation check")]
    | Annotated[HttpCheck, Tag("http check")]
    | Annotated[FileCheck, Tag("file check")]
    | Annotated[AttestationCheck, Tag("attestation check")],
    Discriminator(_tag),
    BeforeValidator(_knows_its_type),
]


def _all_of(value: object) -> object:
    return [value] if isinstance(value, Mapping | Frozen) else value


def _indexes_alone(checks: tuple[Frozen, ...]) -> tuple[Frozen, ...]:
    if len(checks) > 1 and any(isinstance(check, IndexesCheck) for check in checks):
        raise ValueError("`indexes: declared` is decided by the plan, and stands alone: give it an item of its own")
    return checks


Checks = Annotated[
    tuple[Check, ...],
    BeforeValidator(_all_of, json_schema_input_type=Check | tuple[Check, ...]),
    Field(min_length=1),
    AfterValidator(_indexes_alone),
]
"""One check, or a list of which all have to be passed."""


class Waiver(Frozen):
    """A failing item is accepted up to and including `until`. `for` binds it to one definition of the check
    (`waiver.fingerprint`): once the definition changes, it counts for nothing."""

    until: Day
    by: Words
    reason: Words
    bound_to: str | None = Field(default=None, alias="for", pattern=r"^[0-9a-f]{8}$")


class Item(Frozen):
    """One item of a checklist, as the YAML has it."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Words
    severity: Severity = Severity.MEDIUM
    check: Checks
    waiver: Waiver | None = None
    why: str = ""


class CheckItem(Resource):
    """One item of a checklist on its target. Relative paths of the check start in `folder`, and lead out of
    `repository` nowhere."""

    title: str
    severity: Severity
    checks: Checks
    waiver: Waiver | None = None
    folder: str = "."
    repository: str = "."
