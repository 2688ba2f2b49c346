"""TLS: files that have to be there and to be read, and names that the server's OpenSSL has to know.

Decided: docs/decisions.md#tls
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.kinds.pg_setting.startup import ciphers
from reconciler.kinds.pg_setting.startup.next_start import Start, Unseen
from reconciler.kinds.pg_setting.values import Canonical

_NEEDED = {"ssl_cert_file": "CERTIFICATE-----", "ssl_key_file": "PRIVATE KEY-----"}
_OPTIONAL = {
    "ssl_ca_file": "CERTIFICATE-----",
    "ssl_crl_file": "X509 CRL-----",
    "ssl_dh_params_file": "DH PARAMETERS-----",
}
FILES: Mapping[str, str] = _NEEDED | _OPTIONAL
"""Settings that name a file, and what has to be in there."""

ENCRYPTED = "ENCRYPTED"
"""Of a key that wants a passphrase, in the formats of both PKCS 1 and PKCS 8."""

_CURVES = frozenset({"prime256v1", "secp384r1", "secp521r1"})
_GROUPS = _CURVES | {"P-256", "P-384", "P-521", "X25519", "X448"}
"""Known to every OpenSSL that PostgreSQL can be built with."""

_SUITES = frozenset(
    {
        "TLS_AES_128_CCM_8_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    }
)
"""All that TLS 1.3 has (RFC 8446, appendix B.4)."""

_VERSIONS = ("", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

NAMES = frozenset(
    {
        *FILES, "ssl", "ssl_ciphers", "ssl_crl_dir", "ssl_ecdh_curve", "ssl_groups", "ssl_max_protocol_version",
        "ssl_min_protocol_version", "ssl_passphrase_command", "ssl_tls13_ciphers",
    }
)  # fmt: skip


def paths(coming: Mapping[str, Canonical]) -> Iterator[str]:
    """What has to be looked at."""
    if coming.get("ssl") == "on":
        for name in (*FILES, "ssl_crl_dir"):
            if isinstance(path := coming.get(name), str) and path:
                yield path


def starts(start: Start) -> str:
    """Whether TLS could be started."""
    if start.text("ssl") != "on":
        return ""
    found = [reason for look in (_versions, _names, _ciphers, _files) if (reason := look(start))]
    certain = [reason for reason in found if not isinstance(reason, Unseen)]
    return certain[0] if certain else Unseen("; ".join(found))


def _versions(start: Start) -> str:
    low, high = start.text("ssl_min_protocol_version"), start.text("ssl_max_protocol_version")
    if not high or low not in _VERSIONS or high not in _VERSIONS or _VERSIONS.index(low) <= _VERSIONS.index(high):
        return ""
    return f"ssl_min_protocol_version {low} is above ssl_max_protocol_version {high}: declare them to overlap"


def _names(start: Start) -> str:
    for name, known in (("ssl_ecdh_curve", _CURVES), ("ssl_groups", _GROUPS), ("ssl_tls13_ciphers", _SUITES)):
        if name not in start.coming or not _new(start, name):
            continue
        text = start.text(name)
        if not text and name == "ssl_tls13_ciphers":
            continue
        wrong = [word for word in text.split(":") if word not in known]
        if wrong:
            return (
                f"{name}: {wrong[0] or 'nothing'} is none of those that every OpenSSL knows: {', '.join(sorted(known))}"
            )
    return ""


def _ciphers(start: Start) -> str:
    """Suites until TLS 1.2. A list that comes to nothing keeps the server from starting (seen on Debian's 15)."""
    text = start.text("ssl_ciphers")
    if "ssl_ciphers" not in start.coming or not _new(start, "ssl_ciphers"):
        return ""
    if text.startswith(ciphers.OF_THE_SYSTEM):
        return Unseen(f"whether the server's OpenSSL knows {text} could not be seen")
    reason = ciphers.refused(text)
    return f"ssl_ciphers {text or repr('')}: {reason}" if reason else ""


def _files(start: Start) -> str:
    unseen = []
    for name, content in FILES.items():
        path = start.text(name)
        if name not in start.coming or not _new(start, name) or not (path or name in _NEEDED):
            continue
        seen = start.around.paths.get(path)
        if seen is None and path:
            unseen.append(path)
        elif seen != "file":
            return f"{name} {path or 'is empty, and'} is no file of the server: put it there first"
        elif content not in start.around.pem.get(path, ()):
            return f"{name} {path} has no {content.rstrip('-')} in it that could be read"
        elif ENCRYPTED in start.around.pem[path] and not start.text("ssl_passphrase_command"):
            return f"{name} {path} wants a passphrase: declare ssl_passphrase_command, or decrypt the key"
        elif name == "ssl_key_file":
            unseen.append(f"the rights on {path}, which nobody but its owner and group may read,")
    if unseen:
        return Unseen(f"whether the server can use {', '.join(unseen)} could not be seen")
    return ""


def _new(start: Start, name: str) -> bool:
    """Whether it has not been proved by the TLS that runs."""
    return start.differs(name) or start.now.get("ssl") != "on"
