"""Items decided by what is written in a file beside the YAML."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue

from reconciler.files import NotReadable, read_regular, refuse_outside
from reconciler.kinds.check import patterns
from reconciler.kinds.check.expectations import NotComparable, plain_scale, unmet
from reconciler.kinds.check.model import FileCheck, FileExpectation
from reconciler.kinds.check.verdict import Part, Verdict, passed_if
from reconciler.model import CheckStatus, Frozen
from reconciler.secrets import Secrets

LARGEST = 1 << 20
"""Bytes of a file that is read: configuration is smaller, and a plan should not wait for more."""

MOST_WORK = 10**10
"""Instructions of patterns times letters, of all files of a target together: below a minute at worst."""

LONGEST_VALUE = 80
"""Characters of a JSON value that a message quotes."""


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


class Place(NamedTuple):
    """Where the paths of a check start, and the folder that they may not lead out of."""

    folder: Path
    repository: Path


def read(checks: Mapping[Part, FileCheck], places: Mapping[Part, Place], secrets: Secrets) -> dict[Part, FoundFiles]:
    """Reads each file, as far as it is below the folder that whoever runs this names, else in the repository."""
    found: dict[Part, FoundFiles] = {}
    work = patterns.Work(MOST_WORK)
    for part, check in checks.items():
        folder, repository = places[part]
        below = (repository,) if secrets.reach.files_below is None else secrets.reach.files_below
        files = [_file(folder / path, path, check.file, below, secrets, work) for path in check.file.path]
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


def decide(check: FileCheck, found: FoundFiles) -> Verdict:
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
