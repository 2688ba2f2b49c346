"""Whose approvals count: the file of allowed signers, read by rules of its own, and the keys that were revoked.

The format is that of OpenSSH (ssh-keygen(1), ALLOWED SIGNERS), and what it can say beyond "this person has this key" is
refused: OpenSSH takes one key under two names for both, and a pattern for every name that is asked for.

Decided: docs/decisions.md#whose-approvals-count
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from reconciler.approvals.ssh_keygen import expect_krl
from reconciler.approvals.ssh_signature import NAMESPACE, NotASignature, PublicKey, spelled_key
from reconciler.errors import ApprovalError
from reconciler.untrusted_files import MADE_BY_TOOLS, NotReadable, read_regular, repository

LARGEST = 4 << 20
"""Bytes of either file: 40,000 keys."""

_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+/:=-]{0,199}")
_OPTION = re.compile(r'(?P<name>[A-Za-z-]+)(?:="(?P<value>[^"\\]*)")?(?:,|\Z)')
_KRL = b"SSHKRL\n\0"


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whose approvals count, from `since` until `before`; None: for ever."""

    principal: str
    key: PublicKey
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """Keys that count no longer: those that are listed, and those that a KRL of OpenSSH has (empty: there is none)."""

    listed: frozenset[bytes] = frozenset()
    krl: bytes = b""


def read_signers(path: Path) -> dict[bytes, Signer]:
    """All signers, by the bytes of their keys. Raises ApprovalError, with the line, where any line says something else
    than who has which key."""
    text = _text(path, "file of allowed signers")
    found: dict[bytes, Signer] = {}
    lines: dict[bytes, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        at = f"{path}:{number}"
        signer = _signer(said, at)
        if (before := lines.get(signer.key.blob)) is not None:
            _refuse(
                at,
                f"this is the key of line {before} once more: whoever has it would count twice",
                "leave one line for each key: several keys of one person are fine, several names of one key are not",
            )
        found[signer.key.blob], lines[signer.key.blob] = signer, number
    if not found:
        _refuse(str(path), "nobody is listed in this file of allowed signers", _A_LINE)
    return found


def read_revoked(path: Path) -> Revoked:
    """The keys that count no longer. Raises ApprovalError where the file is no list of keys."""
    data = _bytes(path, "list of revoked keys")
    if data.startswith(_KRL):
        expect_krl(data, str(path))
        return Revoked(krl=data)
    found = set()
    for number, line in enumerate(_decoded(data, path).split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            found.add(spelled_key(words[0], words[1] if len(words) > 1 else "").blob)
        except NotASignature as why:
            _refuse(f"{path}:{number}", f"this {why}", "expected a KRL (ssh-keygen -k), or one public key a line")
    return Revoked(frozenset(found))


def expect_outside(path: Path, reviewed: tuple[Path, ...]) -> None:
    """Raises ApprovalError where `path`, or what it leads to, lies where the `reviewed` folders do: in one of them, or
    in the repository that one is in. Whoever is to be approved could then say whose approvals count."""
    trees = {tree for folder in reviewed for tree in _trees(folder)}
    for place in {Path(os.path.abspath(path)), Path(os.path.realpath(path))}:  # noqa: PTH100 - a link counts, too
        for tree in sorted(trees):
            if place.is_relative_to(tree):
                _refuse(
                    str(path),
                    f"this file lies in {tree}, where what is reviewed lies: whoever changes the one could change the "
                    "other",
                    "name one outside, as of the protected branch: git show origin/main:approvers > "
                    "/etc/reconciler/approvers",
                )


def _trees(folder: Path) -> list[Path]:
    """`folder`, and the repository that it is in, as they are named and where they lead."""
    found = [Path(os.path.abspath(folder)), Path(os.path.realpath(folder))]  # noqa: PTH100 - as it is named
    around = [repository(each) for each in found]
    return [*found, *(each for each in around if (each / MADE_BY_TOOLS).exists())]


def _signer(line: str, at: str) -> Signer:
    words = line.split()
    if any(not word.isascii() or not word.isprintable() for word in words[:3]):
        _refuse(at, "this line holds a sign beyond ASCII where a name and a key stand", _A_LINE)
    principal, *rest = words
    _expect_principal(principal, at)
    options = "" if len(rest) > 1 and _is_key(rest[0], rest[1]) else rest.pop(0) if rest else ""
    since, before = _options(options, at) if options else (None, None)
    if len(rest) < 2:
        _refuse(at, "this line has no public key behind its name", _A_LINE)
    try:
        key = spelled_key(rest[0], rest[1])
    except NotASignature as why:
        _refuse(at, f"what stands behind {principal} {why}", _A_LINE)
    return Signer(principal, key, since, before)


def _is_key(type: str, encoded: str) -> bool:
    return encoded.startswith("AAAA") and "=" not in type and "cert-authority" not in type


def _expect_principal(principal: str, at: str) -> None:
    if any(sign in principal for sign in "*?!"):
        _refuse(at, f"{principal} is a pattern, which is true of names that nobody has listed", _A_LINE)
    if "," in principal:
        _refuse(at, f"{principal} are several names of one key: whoever has it would count as each", _A_LINE)
    if not _PRINCIPAL.fullmatch(principal):
        _refuse(at, f"{principal} is no name: expected letters, digits and . _ @ + / : = -", _A_LINE)


def _options(text: str, at: str) -> tuple[datetime | None, datetime | None]:
    since = before = None
    place = 0
    while place < len(text):
        found = _OPTION.match(text, place)
        if not found:
            _refuse(at, f"{text} is neither a key nor options of one", _A_LINE)
        place = found.end()
        name, value = found["name"].lower(), found["value"]
        match name:
            case "cert-authority":
                _refuse(at, "an authority of certificates counts for everybody to whom it gives one", _A_LINE)
            case "namespaces":
                if value != NAMESPACE:
                    _refuse(at, f'this key is for namespaces="{value}": expected namespaces="{NAMESPACE}"', _A_LINE)
            case "valid-after":
                since = _moment(value or "", at)
            case "valid-before":
                before = _moment(value or "", at)
            case _:
                _refuse(at, f"the option {name} is not known", _A_LINE)
    return since, before


def _moment(text: str, at: str) -> datetime:
    found = re.fullmatch(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?Z?", text)
    digits = f"{found[1]}{found[2] or '0000'}{found[3] or '00'}" if found else ""
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        _refuse(at, f"{text!r} is no moment", "expected YYYYMMDD or YYYYMMDDHHMMSS, which is taken as UTC")


def _text(path: Path, noun: str) -> str:
    return _decoded(_bytes(path, noun), path)


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        _refuse(str(path), "this file is not text in UTF-8", _A_LINE)


def _bytes(path: Path, noun: str) -> bytes:
    try:
        return read_regular(path, LARGEST)
    except FileNotFoundError:
        _refuse(str(path), f"there is no such {noun}", "name it by its path")
    except NotReadable as why:
        _refuse(str(path), f"this {noun} {why}", "name a file")


_A_LINE = f'expected lines of one name and one key: alice@example.com namespaces="{NAMESPACE}" ssh-ed25519 AAAA…'


def _refuse(at: str, what: str, hint: str) -> NoReturn:
    raise ApprovalError(f"{at}: {what}", hint=hint) from None
