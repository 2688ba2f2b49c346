"""The program ssh-keygen of OpenSSH, which signs and verifies. Nothing that anybody says is an option of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.approvals.ssh_signature import NAMESPACE, PublicKey
from reconciler.errors import ApprovalError

SIGNING = 300
"""Seconds: whoever signs may have to type a passphrase, or to find and touch a key."""

VERIFYING = 30
"""Seconds, of which a signature takes some milliseconds."""

_WHO = "approver"


def sign(text: str, key: Path) -> bytes:
    """The signature of `text` by `key`: a private key, or a public one whose private half an agent has.

    Raises ApprovalError.
    """
    try:
        real = key.resolve(strict=True)
    except OSError as error:
        raise ApprovalError(f"{key}: the key cannot be read: {error.strerror}", hint=_A_KEY) from None
    if not real.is_file():
        raise ApprovalError(f"{key}: this is not a file of a key", hint=_A_KEY)
    done = _run(["-Y", "sign", "-n", NAMESPACE, "-f", str(real)], text.encode(), SIGNING)
    if done.returncode != 0:
        raise ApprovalError(f"{key}: nothing was signed: ssh-keygen says: {_said(done)}", hint=_A_KEY)
    return done.stdout


def refused(text: bytes, signature: bytes, key: PublicKey, revoked: bytes) -> str:
    """Empty where `signature` is one of `text` by `key`, for approvals, and the list `revoked`, a KRL where there is
    one, does not have that key; else why not. Raises ApprovalError where that cannot be found out."""
    with TemporaryDirectory(prefix="reconciler-") as name:
        folder = Path(name)
        (folder / "signers").write_text(f'{_WHO} namespaces="{NAMESPACE}" {key}\n', encoding="ascii")
        (folder / "signature").write_bytes(signature)
        who = ["-f", str(folder / "signers"), "-I", _WHO, "-n", NAMESPACE, "-s", str(folder / "signature")]
        if _run(["-Y", "verify", *who], text, VERIFYING).returncode != 0:
            return f"the signature is not one of this text by {key.fingerprint}: one of both was altered"
        if not revoked:
            return ""
        (folder / "revoked").write_bytes(revoked)
        done = _run(["-Y", "verify", *who, "-r", str(folder / "revoked")], text, VERIFYING)
        return "" if done.returncode == 0 else f"the key {key.fingerprint} is revoked ({_said(done)})"


def expect_krl(revoked: bytes, source: str) -> None:
    """Raises ApprovalError where `revoked` is no whole KRL: then every key would seem to be revoked."""
    with TemporaryDirectory(prefix="reconciler-") as name:
        folder = Path(name)
        (folder / "revoked").write_bytes(revoked)
        (folder / "key").write_text(_NOBODY, encoding="ascii")
        done = _run(["-Q", "-f", str(folder / "revoked"), str(folder / "key")], b"", VERIFYING)
    if done.returncode != 0:
        raise ApprovalError(
            f"{source} is no list of revoked keys: ssh-keygen says: {_said(done)}", hint="make it by ssh-keygen -k -f"
        )


_A_KEY = "name a private key of SSH, or the .pub of one that ssh-agent has: --key ~/.ssh/id_ed25519"

_NOBODY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
"""A public key whose bytes are zero: nobody has revoked it."""


def _run(arguments: Sequence[str], given: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - no shell, and each argument is ours
            ["ssh-keygen", *arguments], input=given, capture_output=True, timeout=seconds, check=False,  # noqa: S607 - that of the PATH
            env=os.environ | {"LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError:
        raise ApprovalError(
            "approvals are signed and verified by ssh-keygen, which is not installed here",
            hint="install the package openssh-client, which Fedora calls openssh-clients, and Alpine openssh-keygen",
        ) from None
    except subprocess.TimeoutExpired:
        raise ApprovalError(f"ssh-keygen did not come to its end in {seconds:.0f} s") from None
    except OSError as error:
        raise ApprovalError(f"ssh-keygen cannot be run: {error.strerror}") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr + done.stdout).decode("utf-8", "replace").strip().splitlines()
    return " / ".join(line.strip()[:200] for line in lines[:3]) or f"exit code {done.returncode}"
