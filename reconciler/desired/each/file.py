"""Rows of a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.desired.each.csv_rows import csv_rows
from reconciler.desired.each.rows import Rows
from reconciler.desired.each.source import FileSource, words
from reconciler.desired.each.yaml_rows import yaml_rows
from reconciler.errors import DesiredError
from reconciler.untrusted_files import NotReadable, read_regular, refuse_outside
from reconciler.yaml.document import MOST_BYTES
from reconciler.yaml.suggestions import alternatives

_READERS = {".csv": csv_rows, ".yaml": yaml_rows, ".yml": yaml_rows, ".json": yaml_rows}


def place(source: FileSource, beside: str) -> Path:
    """Where it is: relative to the YAML file `beside`."""
    return Path(beside).parent / source.file


def rows_of_file(source: FileSource, at: str, beside: str, below: Sequence[Path] | None) -> Rows:
    """The rows; `at` is where the file is named, in the YAML file `beside`. Raises DesiredError.

    `below`: it has to be in one of these folders, links resolved, and nobody learns whether there is one outside.
    """
    path = place(source, beside)
    reader = _READERS.get(path.suffix.lower())
    if reader is None or not source.file.isprintable():
        raise DesiredError(f"file: expected a file that ends in {alternatives(list(_READERS))}", at=at)
    try:
        refuse_outside(Path(os.path.realpath(path)), below)
        data = read_regular(path, MOST_BYTES, below=below)
    except FileNotFoundError:
        hint = f"a path is relative to the folder of this YAML file: {path.parent}"
        raise DesiredError(f"{words(source)} does not exist", at=at, hint=hint) from None
    except NotReadable as error:
        raise DesiredError(f"{words(source)} {error}", at=at) from None
    return reader(data, words(source), str(path), Path(source.file).name)
