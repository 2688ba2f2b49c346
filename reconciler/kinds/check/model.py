"""What the YAML of a checklist may say, and the item that comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from reconciler.desired.wording import unknown
from reconciler.kinds.check.expectations import Expectations, Expecting
from reconciler.kinds.check.statement import one_reading_statement
from reconciler.model import Frozen, Resource, SecretRef, Severity, System

SECRET_SETTINGS = frozenset(
    {"requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser"}
    | {"tls-key-file-pass", "tls-client-key-file-pass"}
)
"""Redis settings whose value must never be read into evidence (facts: whoever may CONFIG GET reads them in clear)."""

EVENT_FLAGS = "KEg$lshzxetdmnA"
"""What `notify-keyspace-events` takes on Redis 6.2 to Valkey 9."""


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"{value!r} is not a date: expected YEAR-MONTH-DAY, like 2026-12-31")
    return value


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


def _days(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,3}d", text):
        raise ValueError(f"{text!r} is not a number of days: expected something like 90d")
    return text


def _redis_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(f"{text!r} is not the name of one setting (a pattern would read more than it names)")
    if text.lower() in SECRET_SETTINGS:
        raise ValueError(f"{text} is a secret, which no check may read; see `redis_unauthenticated: refused`")
    return text.lower()


def _relative(text: str) -> str:
    if PurePath(text).is_absolute():
        raise ValueError(f"{text!r} is absolute: expected a path relative to the folder of this YAML file")
    return text


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer: expected something like /dependencies/pg")
    return text


def _flags(text: str) -> str:
    unknown = sorted(set(text) - set(EVENT_FLAGS))
    if not text or unknown:
        raise ValueError(f"expected flags out of {EVENT_FLAGS}" + (f", found {''.join(unknown)}" if unknown else ""))
    return text


def _host_path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise ValueError(f"{text!r} is not a path on the target: expected something like /health")
    return text


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_iso_date)]
Regex = Annotated[str, AfterValidator(_regex)]
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_relative)]
Command = Annotated[str, Field(pattern=r"^[A-Za-z0-9.|_-]+$")]
Positive = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]


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

    pg_setting: Text


class RedisSettingCheck(Expectations):
    """The running value of a Redis setting. `flags` is for notify-keyspace-events: at least these events are on."""

    redis_setting: Annotated[str, AfterValidator(_redis_name)]
    flags: Annotated[str, AfterValidator(_flags)] | None = None

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

    redis_user: Text
    may_not: Annotated[tuple[Command, ...], Field(min_length=1)]


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

    redis_fragmentation: Positive
    bytes: Annotated[str, Field(pattern=r"^[0-9]+ ?([kKmMgG]?[bB])?$")] = "10MB"


class IndexesCheck(Frozen):
    """Every declared index of the target is there, valid and as declared: the plan itself decides."""

    indexes: Literal["declared"]


class HeaderExpectation(Frozen):
    """What a response header has to be; `{}` or `present: yes`: to be there at all."""

    present: bool = True
    equals: str | None = None
    one_of: tuple[str, ...] | None = None
    matches: Regex | None = None

    @model_validator(mode="after")
    def _absent_is_all(self) -> HeaderExpectation:
        if not self.present and (self.equals, self.one_of, self.matches) != (None, None, None):
            raise ValueError("a header that must not be there can have no value")
        return self


class HttpExpectation(Frozen):
    """What an answer has to be. `revalidates`: asked again with its own ETag or Last-Modified, it says 304."""

    status: Annotated[
        tuple[Annotated[int, Field(ge=100, le=599)], ...], BeforeValidator(_as_list), Field(min_length=1)
    ] = (200,)
    header: Mapping[str, HeaderExpectation] = {}
    revalidates: bool = False


class HttpRequest(Frozen):
    """One request. Header values may be secrets: {env: NAME}."""

    path: Annotated[str, AfterValidator(_host_path)]
    method: Literal["GET", "HEAD"] = "GET"
    headers: Mapping[str, str | SecretRef] = {}
    expect: HttpExpectation = HttpExpectation()


class HttpCheck(Frozen):
    """The answer of the application to one request."""

    http: HttpRequest


class FileExpectation(Expectations):
    """What a file holds. Several paths: one of them that satisfies is enough. `json` points at a value, which is there
    and as expected. `optional`: without any of the files the item does not apply."""

    path: Annotated[tuple[RelativePath, ...], BeforeValidator(_as_list), Field(min_length=1)]
    json_pointer: Annotated[str, AfterValidator(_pointer)] | None = Field(default=None, alias="json")
    contains: Text | None = None
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

    every: Annotated[str, AfterValidator(_days)]
    by: Text | None = None
    on: Day | None = None
    evidence: Text | None = None

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


class Waiver(Frozen):
    """A failing item is accepted up to and including `until`. `for` binds it to one definition of the check
    (`waiver.fingerprint`): once the definition changes, it counts for nothing."""

    until: Day
    by: Text
    reason: Text
    bound_to: str | None = Field(default=None, alias="for", pattern=r"^[0-9a-f]{8}$")


class Item(Frozen):
    """One item of a checklist, as the YAML has it."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Text
    severity: Severity = Severity.MEDIUM
    check: Check
    waiver: Waiver | None = None
    why: str = ""


class CheckItem(Resource):
    """One item of a checklist on its target. `folder` is where relative paths of the check start."""

    title: str
    severity: Severity
    check: Check
    waiver: Waiver | None = None
    folder: str = "."
