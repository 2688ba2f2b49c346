"""The receipt of an apply: what was done, as JSON that can be read again.

`model.Receipt` with its field names, `format_version`, and the `verdict` of each change; what was planned is in the
plan file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.documents.atomic_file import write_text
from reconciler.documents.document import (
    Format,
    expect_version,
    first_wrong,
    parse,
    read_text,
    readable,
    refuse,
    timestamp,
)
from reconciler.model import Receipt
from reconciler.outcomes import of_applied

FORMAT = Format(
    name="",
    version="1.1",
    noun="a receipt",
    given="name a file written by reconciler apply --receipt",
    remade="reconciler apply --receipt FILE writes one",
)
"""1.1: verdicts."""


def dump(receipt: Receipt) -> str:
    """The text of the receipt file: the same for the same receipt."""
    content: dict[str, Any] = receipt.model_dump(mode="json")
    content["started_at"] = timestamp(receipt.started_at)
    content["finished_at"] = timestamp(receipt.finished_at)
    for one, change in zip(content["changes"], receipt.changes, strict=True):
        one["verdict"] = of_applied(change, receipt)
    return readable(content | {"format_version": FORMAT.version})


def load(text: str, *, source: str) -> Receipt:
    """The receipt that `text` holds; `source` names it in errors. Raises DocumentError where it holds none."""
    raw = parse(text, FORMAT, source=source)
    expect_version(raw, FORMAT, source)
    try:
        # Strictly JSON's own types, as in a plan file; unknown keys are a later minor version's.
        return Receipt.model_validate_json(readable(raw), strict=True, extra="ignore")
    except (ValidationError, ValueError, RecursionError) as error:
        refuse(source, f"is not a receipt that can be read: {first_wrong(error)}", FORMAT.remade)


def read(path: Path) -> Receipt:
    """The receipt in the file `path`. Raises DocumentError."""
    return load(read_text(path, FORMAT), source=str(path))


def write(receipt: Receipt, path: Path) -> None:
    """Writes the receipt to `path`, whole or not at all. Raises DocumentError where it cannot be written."""
    write_text(dump(receipt), path)
