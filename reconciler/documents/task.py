"""Tasks for workers and their results, as bytes of JSON: all that passes between a client and a worker.

Both are `model.Task` and `model.TaskResult` with their field names, behind format and version. Whatever version of
reconciler reads them finds out by which they were written; only the same one believes the rest.

Decided: docs/decisions.md#a-dask-cluster
"""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import ValidationError

from reconciler import __version__
from reconciler.documents.document import (
    LARGEST,
    Format,
    expect_version,
    first_wrong,
    parse,
    readable,
    refuse,
    unknown_keys,
    without,
)
from reconciler.model import Task, TaskResult

M = TypeVar("M", Task, TaskResult)

SAME_VERSION = "install the same version on the workers and where reconciler apply runs"

TASK = Format(
    name="reconciler-task",
    version="1.0",
    noun="a task",
    given="reconciler apply --executor makes them",
    remade=SAME_VERSION,
)

RESULT = Format(
    name="reconciler-task-result",
    version="1.0",
    noun="the result of a task",
    given="workers of reconciler make them",
    remade=SAME_VERSION,
)


def dump(task: Task) -> bytes:
    """The bytes of a task."""
    return _dump(task, TASK)


def load(data: bytes, *, source: str) -> Task:
    """The task in `data`. Raises DocumentError where it is none, or one of another version of reconciler."""
    return _load(data, TASK, Task, source)


def dump_result(result: TaskResult) -> bytes:
    """The bytes of a result."""
    return _dump(result, RESULT)


def load_result(data: bytes, *, source: str) -> TaskResult:
    """The result in `data`. Raises DocumentError where it is none, or one of another version of reconciler."""
    return _load(data, RESULT, TaskResult, source)


def _dump(value: Task | TaskResult, format: Format) -> bytes:
    content = value.model_dump(mode="json")
    first = {"format": format.name, "format_version": format.version}
    return readable(content, first=first).encode()


def _load(data: object, format: Format, model: type[M], source: str) -> M:
    if not isinstance(data, bytes) or len(data) > LARGEST:
        refuse(source, f"is not {format.noun}", format.given)
    try:
        raw = parse(data.decode(), format, source=source)
    except UnicodeDecodeError:
        refuse(source, f"is not text: {format.noun} is JSON in UTF-8", format.given)
    if raw.get("format") != format.name:
        refuse(source, f"is JSON, but not {format.noun}: its format is not {format.name}", format.given)
    if (version := raw.get("reconciler_version")) != __version__:
        refuse(source, f"is of reconciler {str(version)[:50]}, and this is reconciler {__version__}", SAME_VERSION)
    expect_version(raw, format, source)
    try:
        shape = json.dumps(without(raw, {"format", "format_version"}))
        return model.model_validate_json(shape, strict=True, extra=unknown_keys(raw, format))
    except (ValidationError, ValueError, OverflowError, RecursionError) as error:
        refuse(source, f"is not {format.noun} that can be read: {first_wrong(error)}", SAME_VERSION)
