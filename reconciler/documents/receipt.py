"""The receipt of an apply: what was there before, what came of it and what ran, as JSON that can be read again.

`model.Receipt` with its field names, behind format and version; each change with its `verdict`, and with what of its
`before` is a secret and therefore in no file (`withheld`). Both are written from the same receipt, and must still agree
with it when the file is read.

Decided: docs/decisions.md#receipts-to-undo-by
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.documents.atomic_file import expect_writable, write_text
from reconciler.documents.digest import digest
from reconciler.documents.document import (
    Format,
    expect_version,
    first_wrong,
    parse,
    read_text,
    readable,
    refuse,
    timestamp,
    unknown_keys,
    without,
)
from reconciler.errors import DocumentError
from reconciler.model import ChangeReceipt, Receipt
from reconciler.verdicts import of_applied

FORMAT = Format(
    name="reconciler-receipt",
    version="2.4",
    noun="a receipt",
    given="name a file written by reconciler apply --receipt",
    remade="reconciler apply --receipt FILE writes one",
)
"""1.1: verdicts. 2.0: `format`, and of each change what was before and after. 2.1:
`unseen`. 2.2: `partial`. 2.3: `held`, `approved_by` and
`outside_window`. 2.4: `started_at` of a change, `targets`, `git` and `rolls_back`."""


def dump(receipt: Receipt) -> str:
    """The text of the receipt file: the same for the same receipt."""
    first = {"format": FORMAT.name, "format_version": FORMAT.version, "reconciler_version": receipt.reconciler_version}
    return readable(_content(receipt), first=first)


def receipt_digest(receipt: Receipt) -> str:
    """SHA-256 over all that a receipt says: by this a plan names what it undoes."""
    return digest(_content(receipt))


def _content(receipt: Receipt) -> dict[str, Any]:
    content: dict[str, Any] = receipt.model_dump(mode="json", exclude={"reconciler_version"})
    content["started_at"] = timestamp(receipt.started_at)
    content["finished_at"] = timestamp(receipt.finished_at)
    for one, change in zip(content["changes"], receipt.changes, strict=True):
        one |= _derived(change, receipt)
    return content


def load(text: str, *, source: str) -> Receipt:
    """The receipt that `text` holds; `source` is the file's name, for errors. `load(dump(receipt)) == receipt`.

    Raises DocumentError for everything that is not a receipt of ours, in a format of our major version.
    """
    return of_json(parse(text, FORMAT, source=source), source=source)


def of_json(raw: Mapping[str, Any], *, source: str) -> Receipt:
    """The receipt that a file with this content holds. Raises DocumentError as `load` does."""
    _expect_format(raw, source)
    try:
        # Strictly JSON's own types, as in a plan file.
        shape, extra = _model_shape(raw), unknown_keys(raw, FORMAT)
        receipt = Receipt.model_validate_json(json.dumps(shape), strict=True, extra=extra)
        _ = timestamp(receipt.started_at), timestamp(receipt.finished_at)
    except (ValidationError, ValueError, OverflowError, RecursionError) as error:
        refuse(source, f"is not a receipt that can be read: {first_wrong(error)}", FORMAT.remade)
    for told, change in zip(raw["changes"], receipt.changes, strict=True):
        derived = _derived(change, receipt)
        wrong = next((key for key, value in derived.items() if told.get(key, value) != value), "")
        if wrong:
            refuse(source, f"contradicts itself about {change.address}: its {wrong} is another", FORMAT.remade)
    return receipt


def read(path: Path) -> Receipt:
    """The receipt in the file `path`. Raises DocumentError."""
    return load(read_text(path, FORMAT), source=str(path))


def write(receipt: Receipt, path: Path) -> None:
    """Writes the receipt to `path`, whole or not at all. Raises DocumentError where it cannot be written."""
    write_text(dump(receipt), path)


def expect_place(path: Path, plan: Path | None) -> None:
    """Raises DocumentError where no receipt can be written to `path`, or where it would take the place of the `plan`
    that is applied, or of YAML. Nothing is written."""
    if plan and path.exists() and path.samefile(plan):
        refuse(str(path), "is the plan that is to be applied, and would be lost", OTHER_PLACE)
    if path.suffix in (".yaml", ".yml"):
        refuse(str(path), "is called as YAML is, and a receipt is JSON", OTHER_PLACE)
    expect_writable(path)


def earlier(path: Path, digest: str) -> Receipt | None:
    """The receipt that is in the file `path` already, of the plan with this `digest`; None: there is nothing.

    Raises DocumentError where it holds anything else, which a receipt in its place would lose. What is no regular file
    keeps nothing.
    """
    if not path.is_file() or not path.stat().st_size:
        return None
    try:
        found = read(path)
    except DocumentError as error:
        refuse(str(path), f"is there already, and would be lost: {error.message}", OTHER_PLACE)
    if found.plan_digest != digest:
        refuse(str(path), f"is the receipt of another plan, {found.plan_digest}, and would be lost", OTHER_PLACE)
    return found


OTHER_PLACE = "name another file for the receipt"


def is_receipt(raw: Mapping[str, Any]) -> bool:
    """Whether a file with this content is a receipt, of whatever version: those of 1.x have no `format`."""
    return bool(raw["format"] == FORMAT.name) if "format" in raw else "plan_digest" in raw


def _derived(change: ChangeReceipt, receipt: Receipt) -> dict[str, Any]:
    """What a change of the file has beside the fields of its model."""
    return {"verdict": of_applied(change, receipt), "withheld": list(change.withheld)}


def _model_shape(raw: Mapping[str, Any]) -> dict[str, Any]:
    changes = raw.get("changes")
    if isinstance(changes, list):
        changes = [without(change, {"verdict", "withheld"}) for change in changes]
    shape: dict[str, Any] = without(raw, {"format", "format_version"})
    return shape | {"changes": changes}


def _expect_format(raw: Mapping[str, Any], source: str) -> None:
    if "resource_changes" in raw:
        refuse(source, "is a plan, not a receipt", FORMAT.given)
    if not is_receipt(raw):
        refuse(source, f"is JSON, but not a receipt: its format is not {FORMAT.name}", FORMAT.given)
    if "format" not in raw:
        refuse(
            source,
            f"is a receipt of format {raw.get('format_version')}, which does not say what was before each change: this "
            f"version of reconciler reads {FORMAT.major}.x",
            "use the version that made it; as JSON it is read by anything",
        )
    expect_version(raw, FORMAT, source)
