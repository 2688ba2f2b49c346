"""A secret that was looked up is found again in a text, however a library has spelled it."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from reconciler.errors import DesiredError
from reconciler.model import Address, Resource, SecretRef
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


@pytest.mark.parametrize(
    ("reference", "said", "way"),
    [
        (SecretRef(env="NOPE"), "the secret $NOPE is not set", "export NOPE=…"),
        (SecretRef(file="/nosuch"), "the secret in file /nosuch cannot be read: there is no such file", "that file"),
    ],
    ids=["env", "file"],
)
def test_what_is_missing_is_told_with_its_place_and_what_it_is_for(reference, said, way):
    """Before, neither was told, and of a file no way out."""
    declared = Resource(address=Address("main", "pg_setting", "work_mem"), declared_at="a.yaml:3:13")
    with pytest.raises(DesiredError) as raised:
        Secrets({}).resolve(reference, declared)
    assert (raised.value.at, raised.value.message) == ("a.yaml:3:13", f"main/pg_setting/work_mem: {said}")
    assert way in raised.value.hint


def test_what_cannot_be_had_is_found_without_keeping_what_can():
    secrets = Secrets({"HAD": "a-planted-secret"})
    missed = secrets.unresolved([SecretRef(env="HAD"), SecretRef(env="NOPE"), SecretRef(env="NOPE")])
    assert [str(reference) for reference in missed] == ["$NOPE"]
    assert secrets.redact("a-planted-secret") == "a-planted-secret"
