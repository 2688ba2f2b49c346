"""A secret that was looked up is found again in a text, however a library has spelled it."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from reconciler.secrets import Secrets

SECRET = 'p\u00e4ss "word"\\ of\tmine\nwith two-lines+'

SPELLINGS = {
    "as it is": SECRET,
    "on one line": " ".join(SECRET.split()),
    "in a URL": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "as Python shows it": repr(SECRET),
    "as Python shows its bytes": repr(SECRET.encode()),
    "as JSON": json.dumps(SECRET),
    "as JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False),
    "its last line": "with two-lines+",
    "its last line in a URL": quote("with two-lines+"),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_found_however_it_is_spelled(spelled: str):
    """All but the first and the one in a URL were shown before."""
    secrets = Secrets({})
    secrets.remember(SECRET)
    assert "two" not in secrets.redact(f"refused: {spelled}!")
    assert "word" not in secrets.redact(f"refused: {spelled}!")


def test_a_short_line_of_a_secret_takes_nothing_out_of_other_texts():
    secrets = Secrets({})
    secrets.remember("host: db1\nport: 5432\npassword: correct-horse\n")
    assert secrets.redact("host: db1 is not there") == "host: db1 is not there"
