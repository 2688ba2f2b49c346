"""Lists of cipher suites, as OpenSSL reads them (openssl-ciphers(1)): what a list comes to, of what is known here.

Nobody but the server's own OpenSSL knows all of its suites. What every one has since 1.0.1 is listed here, and a list
that comes to one of those can be loaded; one that comes to none of them may come to nothing, and then the server does
not start. Beside them stand suites that nobody should use, whether a build still has them or not.

Decided: docs/decisions.md#cipher-suites
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_EXCHANGES: Mapping[str, str] = {
    "ECDHE-ECDSA": "ECDHE EECDH kECDHE kEECDH ECDSA aECDSA",
    "ECDHE-RSA": "ECDHE EECDH kECDHE kEECDH aRSA",
    "DHE-RSA": "DHE EDH kDHE kEDH DH aRSA",
    "AECDH": "AECDH kECDHE kEECDH aNULL COMPLEMENTOFDEFAULT",
    "ADH": "ADH kDHE kEDH DH aNULL COMPLEMENTOFDEFAULT",
    "": "RSA kRSA aRSA",
}
"""What a suite's name begins with, and the words that mean its key exchange and its authentication."""

_GCM = {"AES256-GCM-SHA384": "AES AES256 AESGCM TLSv1.2 HIGH", "AES128-GCM-SHA256": "AES AES128 AESGCM TLSv1.2 HIGH"}
_CBC = {"AES256-SHA": "AES AES256 SHA SHA1 SSLv3 TLSv1 HIGH", "AES128-SHA": "AES AES128 SHA SHA1 SSLv3 TLSv1 HIGH"}
_BROKEN = {
    "RC4-SHA": "RC4 SHA SHA1 SSLv3 LOW",
    "RC4-MD5": "RC4 MD5 SSLv3 LOW",
    "DES-CBC-SHA": "DES SHA SHA1 SSLv3 LOW",
}
_NULL = {
    "NULL-SHA": "eNULL NULL SHA SHA1 SSLv3 COMPLEMENTOFALL",
    "NULL-SHA256": "eNULL NULL SHA256 TLSv1.2 COMPLEMENTOFALL",
}
_EXPORTED = {"EXP-RC4-MD5": "RC4 MD5 SSLv3 EXP EXPORT EXPORT40"}
"""What it ends with, and the words for its cipher, its digest and its strength."""


def _suites(exchanges: Iterable[str], ends: Mapping[str, str]) -> dict[str, frozenset[str]]:
    found = {}
    for exchange in exchanges:
        for end, words in ends.items():
            name = f"{exchange}-{end}" if exchange else end
            everything = {"ALL"} if "eNULL" not in words.split() else set()
            found[name] = frozenset({name, *_EXCHANGES[exchange].split(), *words.split(), *everything})
    return found


_GOOD = ("ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA", "")
GOOD: Mapping[str, frozenset[str]] = _suites(_GOOD, _GCM | _CBC)
"""Suites of every OpenSSL, and the words that mean each."""

_WEAK_EVERYWHERE = _suites(("AECDH",), _CBC) | _suites(("ADH",), _GCM | _CBC) | _suites(("ECDHE-RSA", ""), _NULL)
_WEAK = _suites(("ADH", "AECDH", "ECDHE-RSA", ""), _BROKEN) | _suites(("",), _EXPORTED)
"""Suites without authentication, without encryption, or with one that is broken; the latter few builds still have."""

_EVERYWHERE = {**GOOD, **_WEAK_EVERYWHERE}
_ALL = {**_EVERYWHERE, **_WEAK}
_FIRST: Mapping[str, str] = {
    "DEFAULT": "ALL:!EXPORT:!LOW:!COMPLEMENTOFDEFAULT:!eNULL",
    **dict.fromkeys(("SUITEB128", "SUITEB128ONLY", "SUITEB128C2", "SUITEB192"), "ECDHE+ECDSA+AESGCM"),
}
"""Words that stand for a list, at the beginning of one."""

OF_THE_SYSTEM = "PROFILE="
"""Begins the name of a list that only Red Hat's OpenSSL knows, which keeps it in a file."""

_SECURITY = re.compile(r"@SECLEVEL=[0-5]")
_WORD = re.compile(r"([!+-]?)([A-Za-z0-9._=-]+(?:\+[A-Za-z0-9._=-]+)*)")


def read(text: str) -> frozenset[str] | None:
    """The suites known here that the list `text` comes to, and @SECLEVEL=0; None where it is no list.

    Words that OpenSSL does not know it passes over.
    """
    words = [word for word in re.split(r"[:;, ]|(?=@)", text) if word]
    if words and words[0] in _FIRST:
        words[:1] = _FIRST[words[0]].split(":")
    active: set[str] = set()
    killed: set[str] = set()
    lowered = False
    for word in words:
        if word == "@STRENGTH" or _SECURITY.fullmatch(word):
            lowered = lowered or word == "@SECLEVEL=0"
            continue
        parts = _WORD.fullmatch(word)
        if parts is None:
            return None
        wanted = set(parts[2].split("+"))
        meant = {name for name, tags in _ALL.items() if wanted <= tags}
        match parts[1]:
            case "!":
                killed |= meant
                active -= meant
            case "-":
                active -= meant
            case "":
                active |= meant - killed
    return frozenset(active | ({"@SECLEVEL=0"} if lowered else set()))


def weak(text: str) -> frozenset[str]:
    """What of `text` nobody should use."""
    return frozenset((read(text) or frozenset()) - GOOD.keys())


def refused(text: str) -> str:
    """Why the server's OpenSSL may refuse the list `text`; empty where every one loads it."""
    found = read(text)
    if found is None:
        return "it is no list of cipher suites as OpenSSL reads it"
    if found & _EVERYWHERE.keys():
        return ""
    return f"it comes to none of the suites that every OpenSSL has, such as {next(iter(GOOD))}: add HIGH, or one"
