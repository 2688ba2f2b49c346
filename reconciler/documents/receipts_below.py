"""All receipts below a folder, whatever else is in it."""

from __future__ import annotations

from pathlib import Path

from reconciler.documents import receipt as receipt_file
from reconciler.documents.document import parse, read_text
from reconciler.errors import DocumentError
from reconciler.model import Receipt


def receipts_below(folder: Path) -> list[Receipt]:
    """The receipts of single plans in the JSON files of `folder`, and of the folders in it. Other documents, as the
    plans beside them, are left out.

    Raises DocumentError where there is no such folder, or a file is no document, or a receipt that cannot be read: it
    may be the last one.
    """
    if not folder.is_dir():
        raise DocumentError(f"{folder} is no folder", hint="name one that holds what apply --receipt has written")
    found = []
    for path in sorted(folder.rglob("*.json")):
        if not path.is_file():
            continue
        raw = parse(read_text(path, receipt_file.FORMAT), receipt_file.FORMAT, source=str(path))
        if receipt_file.is_receipt(raw):
            found.append(receipt_file.of_json(raw, source=str(path)))
    return found
