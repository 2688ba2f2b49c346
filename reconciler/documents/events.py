"""The events of an apply for programs: a line of JSON for each, while it runs.

`model.event` with its field names, and `format_version` in each line, so that each can be read without the others. What
statements and messages hold of a known secret is blotted out here, however it came there.

Decided: docs/decisions.md#events-for-programs
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from reconciler.documents.atomic_file import open_growing
from reconciler.documents.document import refuse
from reconciler.model.event import Event
from reconciler.secrets import Secrets

FORMAT_VERSION = "1.0"
"""Minor: keys or types of events were added. Major: older readers would misunderstand."""


def line(told: Event, secrets: Secrets) -> str:
    """`told` as a line of JSON, its end included, in ASCII: no text in it divides or ends the line."""
    event = _blotted(_adapter().dump_python(told, mode="json"), secrets)
    return json.dumps({"format_version": FORMAT_VERSION, **event}, separators=(",", ":"), allow_nan=False) + "\n"


@cache
def json_schema() -> dict[str, Any]:
    """The schema of a line. Unlike the models it lets keys pass that it does not know: a later version may add some."""
    schema = _adapter().json_schema(mode="serialization")
    major = FORMAT_VERSION.partition(".")[0]
    version = {"type": "string", "pattern": rf"^{major}\.[0-9]+$", "examples": [FORMAT_VERSION]}
    for each in schema["$defs"].values():
        each.pop("additionalProperties", None)
    for name in _events(schema):
        event = schema["$defs"][name]
        event["properties"] = {"format_version": version, **event["properties"]}
        event["required"] = ["format_version", "type", *event["required"]]
    title = "An event of reconciler apply --events"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


class EventFile:
    """A subscriber of an apply that adds a line to a file for each event, and hands it to the system at once.

    Where a line cannot be written, to a full disk, none is any more: none is to be missing in between. What there is of
    that line is taken away, and `unwritten` says why; the apply goes on. Once it is closed, the disk has the file.
    """

    def __init__(self, path: Path, secrets: Secrets) -> None:
        """Empties or makes the file. Raises DocumentError where it cannot be written."""
        self._path = path
        self._secrets = secrets
        self._descriptor = open_growing(path)
        self.unwritten = ""

    def __call__(self, told: Event) -> None:
        """Adds a line for `told`. Never raises OSError."""
        if self.unwritten:
            return
        data, written = line(told, self._secrets).encode("ascii"), 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            self._missed(error)
            with suppress(OSError):  # a pipe is not cut
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)

    def close(self) -> None:
        """Waits until the disk has it. Never raises OSError."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a pipe, which no disk holds
                self._missed(error)
        with suppress(OSError):
            os.close(self._descriptor)

    def _missed(self, error: OSError) -> None:
        self.unwritten = self.unwritten or f"{self._path} does not hold all events: {os.strerror(error.errno or 0)}"


def expect_place(path: Path, others: Iterable[Path]) -> None:
    """Raises DocumentError where the events would take the place of one of the `others`, or of YAML."""
    if path.suffix in (".yaml", ".yml"):
        refuse(str(path), "is called as YAML is, and events are JSON", "name another file for the events")
    for other in others:
        if path.resolve() == other.resolve() or (path.exists() and other.exists() and path.samefile(other)):
            refuse(str(path), "is the plan or the receipt, and would be lost", "name another file for the events")


def _events(schema: dict[str, Any]) -> list[str]:
    return [each["$ref"].rpartition("/")[2] for each in schema["oneOf"]]


@cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


@cache
def _words() -> frozenset[str]:
    """What the schema itself says: names of keys, and words of enumerations. A secret that is spelled alike is not told
    by them, and a line without them could not be read."""
    found: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, dict):
            found.update(node.get("properties", ()), node.get("enum", ()), [node["const"]] if "const" in node else ())
            for each in node.values():
                visit(each)
        elif isinstance(node, list):
            for each in node:
                visit(each)

    visit(_adapter().json_schema(mode="serialization"))
    return frozenset(found)


def _blotted(value: Any, secrets: Secrets) -> Any:
    match value:
        case str():
            return value if value in _words() else secrets.redact(value)
        case dict():
            return {_blotted(key, secrets): _blotted(each, secrets) for key, each in value.items()}
        case list():
            return [_blotted(each, secrets) for each in value]
        case _:
            return value
