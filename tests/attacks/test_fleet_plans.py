"""Whoever can write into what a fleet is approved by: its plans, its index, the file of digests, the receipts."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.fleet.approval import read_approvals

SEEN, UNSEEN = "a" * 64, "b" * 64
ENDS_OF_LINES = {
    "a carriage return": "\r",
    "a form feed": "\f",
    "a vertical tab": "\v",
    "a separator of records": "\x1e",
    "a next line": "\x85",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
}


@pytest.mark.parametrize("sign", ENDS_OF_LINES.values(), ids=ENDS_OF_LINES)
def test_no_comment_of_approvals_hides_a_digest(tmp_path: Path, sign: str):
    """Before, all of them ended the comment: what a review shows as words for people approved a group."""
    approvals = tmp_path / "approved"
    approvals.write_bytes(f"{SEEN}\n# as agreed with operations{sign}{UNSEEN}\n".encode())
    with pytest.raises(UsageError, match="approved:2: this line holds a sign that cannot be seen"):
        read_approvals(approvals)


def test_approvals_are_read_as_editors_write_them(tmp_path: Path):
    approvals = tmp_path / "approved"
    approvals.write_bytes(f"\ufeff{SEEN.upper()}\t# the índex\r\n\r\n  {UNSEEN}\r\n".encode())
    assert read_approvals(approvals) == (SEEN, UNSEEN)
