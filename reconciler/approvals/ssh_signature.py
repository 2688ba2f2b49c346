"""What a file of `ssh-keygen -Y sign` says of itself: whose key, and what for. Nothing of it is verified here.

The format: PROTOCOL.sshsig of OpenSSH.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode, b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import NamedTuple

NAMESPACE = "approval@reconciler"
"""What a signature is for: one of a commit or of an e-mail is no approval."""

KEY_TYPES = frozenset(
    {
        "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)  # fmt: skip
"""Plain keys: a certificate is as good as whoever issues them, who is nobody that a file of signers lists."""

_ARMOUR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n(?P<body>[A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n?", re.ASCII
)
_MAGIC = b"SSHSIG"


class NotASignature(ValueError):
    """The message fits behind the file's name."""


class PublicKey(NamedTuple):
    """A key by its type and its bytes, as OpenSSH writes them."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256:…"""
        return f"SHA256:{b64encode(sha256(self.blob).digest()).decode().rstrip('=')}"

    @property
    def file_name(self) -> str:
        """The fingerprint as a name of files anywhere: no slash, no colon."""
        return f"SHA256-{urlsafe_b64encode(sha256(self.blob).digest()).decode().rstrip('=')}"

    def __str__(self) -> str:
        return f"{self.type} {b64encode(self.blob).decode()}"


class Signature(NamedTuple):
    """The key that is said to have signed, and what for."""

    key: PublicKey
    namespace: str


def spelled_key(type: str, encoded: str) -> PublicKey:
    """The key that files of OpenSSH spell by these two words. Raises NotASignature."""
    try:
        key = public_key(b64decode(encoded, validate=True))
    except (ValueError, struct.error) as error:
        if isinstance(error, NotASignature):
            raise
        raise NotASignature("is no public key") from None
    if key.type != type:
        raise NotASignature(f"is a key of the type {key.type}, and is said to be {type[:60]!r}")
    return key


def public_key(blob: bytes) -> PublicKey:
    """The key in `blob`. Raises NotASignature, struct.error."""
    type, _ = _string(blob)
    name = type.decode("ascii", "replace")
    if name not in KEY_TYPES:
        raise NotASignature(f"is a key of the type {name[:60]!r}: plain keys count, and no certificates or DSA")
    return PublicKey(name, blob)


def read(data: bytes) -> Signature:
    """What the file with this content says of itself. Raises NotASignature."""
    if b"\r" in data:
        raise NotASignature("has a carriage return in it: something has changed the ends of its lines")
    found = _ARMOUR.fullmatch(data)
    if not found:
        raise NotASignature("is no signature of ssh-keygen -Y sign")
    try:
        blob = b64decode(found["body"].replace(b"\n", b""), validate=True)
        if blob[: len(_MAGIC)] != _MAGIC or struct.unpack_from(">I", blob, len(_MAGIC)) != (1,):
            raise NotASignature("is no signature of ssh-keygen -Y sign, of a version that is known")
        key, rest = _string(blob[len(_MAGIC) + 4 :])
        namespace, _ = _string(rest)
    except (ValueError, struct.error) as error:
        if isinstance(error, NotASignature):
            raise
        raise NotASignature("is no whole signature of ssh-keygen -Y sign") from None
    return Signature(_known(key), namespace.decode("utf-8", "replace"))


def _known(blob: bytes) -> PublicKey:
    try:
        return public_key(blob)
    except struct.error:
        raise NotASignature("is of no key") from None
    except NotASignature as error:
        raise NotASignature(f"is not of a key that counts: it {error}") from None


def _string(data: bytes) -> tuple[bytes, bytes]:
    """The first string in `data`, as SSH writes one, and what comes behind."""
    (length,) = struct.unpack_from(">I", data)
    if length > len(data) - 4:
        raise NotASignature("is cut short")
    return data[4 : 4 + length], data[4 + length :]
