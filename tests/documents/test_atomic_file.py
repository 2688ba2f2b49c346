"""Files that are written beside each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reconciler.documents.atomic_file import write_text

NAMES = [f"production.customers.eu-central-1.cluster-of-databases-{number}.receipt.json" for number in range(4)]


def test_files_whose_long_names_begin_alike_are_written_side_by_side(tmp_path: Path):
    """Before, all that shared the first 50 letters were written by way of one file: an apply of a fleet could not save
    a receipt, or saved that of another target."""

    def write(name: str) -> set[str]:
        found = set()
        for _ in range(200):
            write_text(name, tmp_path / name)
            found.add((tmp_path / name).read_text())
        return found

    with ThreadPoolExecutor(len(NAMES)) as pool:
        assert [*pool.map(write, NAMES)] == [{name} for name in NAMES]
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES
