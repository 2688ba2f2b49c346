"""The receipt of a run over many targets, as JSON that can be read again: `model.FleetReceipt` with its field names,
behind format and version. What ran on a target is in the receipt of that target, beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    unknown_keys,
    without,
)
from reconciler.model import FleetReceipt

FORMAT = Format(
    name="reconciler-fleet-receipt",
    version="1.1",
    noun="the receipt of a fleet",
    given="name a file run.json, written by reconciler apply DIR --receipt DIR",
    remade="reconciler apply DIR --receipt DIR writes one",
)


def dump(receipt: FleetReceipt) -> str:
    """The text of the file: the same for the same receipt; `partial` only where the plans were narrowed."""
    left_out = {"reconciler_version"} if receipt.partial else {"reconciler_version", "partial"}
    content: dict[str, Any] = receipt.model_dump(mode="json", exclude=left_out)
    content["started_at"] = timestamp(receipt.started_at)
    content["finished_at"] = timestamp(receipt.finished_at)
    first = {"format": FORMAT.name, "format_version": FORMAT.version, "reconciler_version": receipt.reconciler_version}
    return readable(content, first=first)


def load(text: str, *, source: str) -> FleetReceipt:
    """The receipt that `text` holds; `source` is the file's name, for errors. `load(dump(receipt)) == receipt`.

    Raises DocumentError for everything that is not such a receipt of ours, in a format of our major version.
    """
    return of_json(parse(text, FORMAT, source=source), source=source)


def of_json(raw: Mapping[str, Any], *, source: str) -> FleetReceipt:
    """The receipt that a file with this content holds. Raises DocumentError as `load` does."""
    if not is_fleet_receipt(raw):
        refuse(source, f"is JSON, but not {FORMAT.noun}: its format is not {FORMAT.name}", FORMAT.given)
    expect_version(raw, FORMAT, source)
    try:
        shape = json.dumps(without(raw, {"format", "format_version"}))
        receipt = FleetReceipt.model_validate_json(shape, strict=True, extra=unknown_keys(raw, FORMAT))
        _ = timestamp(receipt.started_at), timestamp(receipt.finished_at)
    except (ValidationError, ValueError, OverflowError, RecursionError) as error:
        refuse(source, f"is not {FORMAT.noun} that can be read: {first_wrong(error)}", FORMAT.remade)
    all_made = all(each.succeeded for each in receipt.targets.values())
    in_the_way = receipt.unseen or any(wave.stopped for wave in receipt.waves)
    if receipt.succeeded != (receipt.complete and all_made and not in_the_way):
        refuse(source, "contradicts itself about whether it succeeded", FORMAT.remade)
    return receipt


def read(path: Path) -> FleetReceipt:
    """The receipt in the file `path`. Raises DocumentError."""
    return load(read_text(path, FORMAT), source=str(path))


def write(receipt: FleetReceipt, path: Path) -> None:
    """Writes it to `path`, whole or not at all. Raises DocumentError where it cannot be written."""
    write_text(dump(receipt), path)


def is_fleet_receipt(raw: Mapping[str, Any]) -> bool:
    """Whether a file with this content is the receipt of a fleet, of whatever version."""
    return bool(raw.get("format") == FORMAT.name)
