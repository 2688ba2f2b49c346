"""The texts that a checklist's YAML may hold: what each has to look like, and what is refused."""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePath
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.kinds.check import patterns
from reconciler.yaml.text_type import Text

SECRET_SETTINGS = frozenset(
    {"requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser"}
    | {"tls-key-file-pass", "tls-client-key-file-pass"}
)
"""Redis settings whose value must never be read into evidence (facts: whoever may CONFIG GET reads them in clear)."""

HOLDS_PASSWORDS = frozenset({"primary_conninfo", "ssl_passphrase_command"})
"""PostgreSQL settings whose value may hold one, and so must not be read into evidence either."""

EVENT_FLAGS = "KEg$lshzxetdmnA"
"""What `notify-keyspace-events` takes on Redis 6.2 to Valkey 9."""


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"{value!r} is not a date: expected YEAR-MONTH-DAY, like 2026-12-31")
    return value


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


def _pg_name(text: str) -> str:
    if text.lower() in HOLDS_PASSWORDS:
        raise ValueError(f"{text} may hold a password, which no check may read")
    return text


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
    if ".." in re.split(r"[/\\]", unquote(unquote(text.partition("?")[0]))):
        raise ValueError(f"{text!r} climbs: a check asks below the URL of its target")
    return text


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[Text, Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_iso_date)]
Days = Annotated[str, AfterValidator(_days)]
Regex = Annotated[str, AfterValidator(patterns.check)]
JsonPointer = Annotated[str, AfterValidator(_pointer)]
PathOnTarget = Annotated[str, AfterValidator(_host_path)]
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_relative)]
RelativePaths = Annotated[
    tuple[RelativePath, ...],
    BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...]),
    Field(min_length=1),
]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...],
    BeforeValidator(_as_list, json_schema_input_type=int | tuple[int, ...]),
    Field(min_length=1),
]
PgSettingName = Annotated[str, Field(min_length=1), AfterValidator(_pg_name)]
RedisSettingName = Annotated[str, AfterValidator(_redis_name)]
EventFlags = Annotated[str, AfterValidator(_flags)]
RedisCommand = Annotated[str, Field(pattern=r"^[A-Za-z0-9.|_-]+$")]
Number = Annotated[Text, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
MemoryAmount = Annotated[Text, Field(pattern=r"^[0-9]+ ?([kKmMgG]?[bB])?$")]
