"""What is alike in every document: JSON that says its format and version, read strictly, and written for people.

Decided: docs/decisions.md#keys-that-nobody-knows
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

from pydantic import ValidationError

from reconciler.errors import DocumentError
from reconciler.untrusted_files import NotReadable, read_regular

LARGEST = 256 << 20
"""Bytes. A change takes about 3 kB, so this is some 80,000 of them; anything larger was not written by us."""


class Format(NamedTuple):
    """A format of documents.

    name     value of `format`, in front of the file; empty: its files say their version alone.
    version  MAJOR.MINOR. Minor: keys were added, which older readers ignore. Major: older readers would misunderstand.
    noun     what a file of it is: "a plan".
    given    a hint for who named another file.
    remade   a hint for who has one that cannot be read.
    """

    name: str
    version: str
    noun: str
    given: str
    remade: str

    @property
    def major(self) -> int:
        """What a file has to agree in."""
        return _numbers(self.version)[0]


def read_text(path: Path, format: Format) -> str:
    """The text of the file `path`. Raises DocumentError."""
    try:
        return read_regular(path, LARGEST).decode("utf-8-sig")
    except FileNotFoundError as error:
        refuse(str(path), f"cannot be read: {error.strerror}", format.given)
    except NotReadable as why:
        refuse(str(path), f"{why}: that is not {format.noun}", format.given)
    except UnicodeDecodeError:
        refuse(str(path), f"is not text: {format.noun} is JSON in UTF-8", format.given)


def parse(text: str, format: Format, *, source: str) -> dict[str, Any]:
    """The JSON object in `text`; `source` is the file's name, for errors.

    Raises DocumentError where it is none, or one with a key twice, or NaN.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        refuse(
            source,
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}" if text.strip() else "is empty",
            "it may have been cut short; " + format.remade,
        )
    except RecursionError:
        refuse(source, f"is nested too deeply to be {format.noun}", format.remade)
    except ValueError as error:
        refuse(source, f"is not {format.noun}: {error}", format.remade)
    if not isinstance(value, dict):
        refuse(source, f"is JSON, but not {format.noun}: expected an object with format_version", format.remade)
    return value


def expect_version(raw: Mapping[str, Any], format: Format, source: str) -> None:
    """Raises DocumentError where `raw` has no version, or one of another major."""
    version = raw.get("format_version")
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", version):
        refuse(source, f"is JSON, but not {format.noun}: it has no format_version", format.remade)
    if _numbers(version)[0] != format.major:
        refuse(
            source,
            f"has format {version}, and this version of reconciler reads {format.major}.x",
            f"use the version that made it, or {format.remade}",
        )


def unknown_keys(raw: Mapping[str, Any], format: Format) -> Literal["forbid", "ignore"]:
    """What becomes of keys that no model has. Those of a later minor version are ignored; in a file of a version that
    is known, they are not ours."""
    return "ignore" if _numbers(raw["format_version"]) > _numbers(format.version) else "forbid"


def without(value: Any, keys: Collection[str]) -> Any:
    """`value` without `keys`, which a file has beside a model's own fields; what is no object stays, to be refused."""
    return {key: each for key, each in value.items() if key not in keys} if isinstance(value, dict) else value


def readable(value: Mapping[str, Any], *, first: Mapping[str, Any] | None = None) -> str:
    """`value` as JSON for people and diffs: indented, keys sorted but for those of `first`, a final newline.

    Characters that cannot be seen (terminal escapes, bidirectional overrides) are written as \\uXXXX, so that a file
    shown on a terminal or in a review is what it seems.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if first:
        head = json.dumps(first, indent=2, ensure_ascii=False, allow_nan=False)
        text = head.removesuffix("\n}") + "," + text.removeprefix("{")
    return _escape_unseen(text) + "\n"


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC. A moment without a zone is taken as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def first_wrong(error: Exception) -> str:
    """The first thing wrong, with its place in the file, and never with the value found there."""
    if not isinstance(error, ValidationError):
        return "it holds a value that none has"
    details = error.errors(include_url=False, include_input=False, include_context=False)
    place = ".".join(str(part) for part in details[0]["loc"]) if details else ""
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f"{place or 'the file'}: {details[0]['msg'] if details else error.title}{more}"


def refuse(source: str, what: str, hint: str) -> NoReturn:
    """Raises DocumentError: `source`, and what is wrong with it."""
    raise DocumentError(f"{source} {what}", hint=hint) from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _escape_unseen(text: str) -> str:
    def escape(match: re.Match[str]) -> str:
        found = match.group()
        return found if found.isprintable() else json.dumps(found)[1:-1]

    return re.sub(r"[^ -~\n]", escape, text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {twice[:100]!r} appears twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
