"""Something written in a file beside the YAML: package.json, a Dockerfile.

What
    The file, relative to the YAML file and inside of the repository, holds what is expected.

    Of several paths one that satisfies is enough. `contains` and `matches` are of its text; `json` points at a value
    (RFC 6901) that is there, and as expected. With `optional`, the item does not apply where none of the files is
    there.

Why
    Much of performance is decided in the application's repository: its driver, its pool, the memory it is given. What
    is written there is read before it is deployed.

How to write it
    id: node-driver
    title: The database driver is the pooling one
    check:
      file: {path: ../package.json, json: /dependencies/pg, optional: yes}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from reconciler.kinds.check import patterns
from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.expectations import Expectations, NotComparable, plain_scale, unmet
from reconciler.kinds.check.field_types import Regex, Words, as_list
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, passed_if
from reconciler.model import CheckStatus, Frozen
from reconciler.secrets import Secrets
from reconciler.targets.session import Session
from reconciler.untrusted_files import NotReadable, read_regular, refuse_outside

LARGEST = 1 << 20
"""Bytes of a file that is read: configuration is smaller, and a plan should not wait for more."""

MOST_WORK = 10**10
"""Instructions of patterns times letters, of all files of a target together: below a minute at worst."""

LONGEST_VALUE = 80
"""Characters of a JSON value that a message quotes."""


def _relative(text: str) -> str:
    if PurePath(text).is_absolute():
        raise ValueError(f"{text!r} is absolute: expected a path relative to the folder of this YAML file")
    return text


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer: expected something like /dependencies/pg")
    return text


JsonPointer = Annotated[str, AfterValidator(_pointer)]
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_relative)]
RelativePaths = Annotated[
    tuple[RelativePath, ...],
    BeforeValidator(as_list, json_schema_input_type=str | tuple[str, ...]),
    Field(min_length=1),
]


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


class FoundFile(Frozen):
    """One file. `problem` says why it could not be understood; `value` is what the JSON pointer leads to, as text,
    None where it leads nowhere; `holds` whether `contains` and `matches` were found in it."""

    path: str
    problem: str = ""
    value: str | None = None
    holds: bool = True


class FoundFiles(Frozen):
    """Those of an item's files that exist, in the item's order."""

    files: tuple[FoundFile, ...]


def read(session: Session, checks: Mapping[Part, FileCheck]) -> dict[Part, FoundFiles | Unavailable]:
    """Reads each file, as far as it is below the folder that whoever runs this names, else in the repository."""
    found: dict[Part, FoundFiles | Unavailable] = {}
    secrets, work = session.secrets, patterns.Work(MOST_WORK)
    for part, check in checks.items():
        below = (part.repository,) if secrets.reach.files_below is None else secrets.reach.files_below
        files = [_file(part.folder / path, path, check.file, below, secrets, work) for path in check.file.path]
        found[part] = FoundFiles(files=tuple(file for file in files if file is not None))
    return found


def _file(
    path: Path, written: str, expected: FileExpectation, below: Sequence[Path], secrets: Secrets, work: patterns.Work
) -> FoundFile | None:
    """None where there is no such file; nobody learns whether there is one outside of `below`."""
    try:
        refuse_outside(Path(os.path.realpath(path)), below)
        text = read_regular(path, LARGEST, below=below).decode("utf-8")
    except FileNotFoundError:
        return None
    except NotReadable as error:
        return FoundFile(path=written, problem=str(error))
    except UnicodeDecodeError:
        return FoundFile(path=written, problem="is not UTF-8 text")
    if expected.matches is not None and not work.allows(expected.matches, text):
        return FoundFile(path=written, problem="was not searched: the patterns before it took all that is allowed")
    holds = (expected.contains is None or expected.contains in text) and (
        expected.matches is None or patterns.found(expected.matches, text)
    )
    if expected.json_pointer is None:
        return FoundFile(path=written, holds=holds)
    try:
        value = _follow(json.loads(text), expected.json_pointer)
    except (ValueError, RecursionError):
        return FoundFile(path=written, problem="is not JSON")
    return FoundFile(path=written, holds=holds, value=None if value is None else secrets.redact(_text(value)))


def _follow(document: Any, pointer: str) -> JsonValue:
    """What a JSON pointer (RFC 6901) leads to; None where it leads nowhere, or to null."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isascii() and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    value: JsonValue = document
    return value


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def decide(check: FileCheck, found: FoundFiles, known: Circumstances) -> Verdict:
    """One of the files satisfies. Where none exists: NOT_APPLICABLE if it is optional, else FAIL."""
    names = " and ".join(check.file.path)
    if not found.files:
        status = CheckStatus.NOT_APPLICABLE if check.file.optional else CheckStatus.FAIL
        return Verdict(status, f"there is no {' or '.join(check.file.path)}", "static")
    verdicts = [_one(check.file, file) for file in found.files]
    best = next((verdict for verdict in verdicts if verdict.status is CheckStatus.PASS), None)
    if best is not None:
        return best
    if len(verdicts) == 1:
        return verdicts[0]
    status = CheckStatus.FAIL if any(v.status is CheckStatus.FAIL for v in verdicts) else CheckStatus.ERROR
    return Verdict(status, f"none of {names}: {'; '.join(verdict.message for verdict in verdicts)}", "static")


def _one(expected: FileExpectation, file: FoundFile) -> Verdict:
    if file.problem:
        return Verdict(CheckStatus.ERROR, f"{file.path} {file.problem}", "static")
    if not file.holds:
        wanted = [repr(text) for text in (expected.contains, expected.matches) if text is not None]
        return Verdict(CheckStatus.FAIL, f"{file.path} does not hold {' and '.join(wanted)}", "static")
    if expected.json_pointer is None:
        return Verdict(CheckStatus.PASS, f"{file.path} is as expected", "static")
    if file.value is None:
        return Verdict(CheckStatus.FAIL, f"{file.path} has no {expected.json_pointer}", "static")
    short = file.value if len(file.value) <= LONGEST_VALUE else file.value[: LONGEST_VALUE - 1] + "…"
    seen = f"{expected.json_pointer} of {file.path} is {short}"
    try:
        return passed_if(unmet(expected, file.value, plain_scale(None)), seen, "static")
    except NotComparable as error:
        return Verdict(CheckStatus.ERROR, f"{seen}, and cannot be compared: {error}", "static")


TYPE = CheckType(FileCheck, read=read, decide=decide)
