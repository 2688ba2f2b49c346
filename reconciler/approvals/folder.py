"""The approvals that lie beside a plan, `PLAN.approvals/`: two files of each, its text and its signature, called after
the fingerprint of the key.

Whoever may write there can add and take away, and nothing else: what counts is what a signature was verified of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.approvals import ssh_keygen, ssh_signature
from reconciler.approvals.signers import Revoked, Signer
from reconciler.approvals.ssh_signature import NAMESPACE, NotASignature
from reconciler.documents import approval as document
from reconciler.documents.approval import LARGEST, LARGEST_SIGNATURE, folder_of
from reconciler.documents.atomic_file import write_text
from reconciler.errors import ApprovalError, DocumentError
from reconciler.model import Approval, Approver, FoundApprovals, RejectedApproval, VerifiedApproval
from reconciler.untrusted_files import NotReadable, read_regular

MOST = 1_000
"""Files in a folder: nobody waits for more signatures than that, and no plan needs them."""

_NAME = re.compile(r"(?P<key>SHA256-[A-Za-z0-9_-]{43})\.(?P<what>txt|sig)")


def approve(plan: Path, approval: Approval, key: Path) -> tuple[Path, str]:
    """Signs `approval` of the plan in the file `plan`, and leaves it beside that; the file of its text, and the
    fingerprint of the key. An earlier one by the same key is replaced. Raises ApprovalError, DocumentError."""
    folder = folder_of(plan)
    expect_folder(folder)
    text = document.dump(approval)
    signature = ssh_keygen.sign(text, key)
    try:
        signed = ssh_signature.read(signature)
    except NotASignature as problem:
        raise ApprovalError(f"{key}: what it signs {problem}", hint="use a plain key, and not a certificate") from None
    if why := ssh_keygen.refused(text.encode(), signature, signed.key, b""):
        raise ApprovalError(f"{key}: nothing is approved: {why}")
    with suppress(FileExistsError):
        folder.mkdir()
    path = folder / f"{signed.key.file_name}.txt"
    write_text(text, path)
    write_text(signature.decode("ascii"), path.with_suffix(".sig"))
    return path, signed.key.fingerprint


def expect_folder(folder: Path) -> None:
    """Raises ApprovalError where approvals cannot be in `folder`."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ApprovalError(
            f"{folder} is not a folder{' but a link' if folder.is_symlink() else ''}: approvals lie beside their plan",
            hint="take it away, and have the plan approved again",
        )


def found(plan: Path, signers: Mapping[bytes, Signer], revoked: Revoked, source: str) -> FoundApprovals:
    """What lies beside the plan in the file `plan`; `source` is the file of signers. Raises ApprovalError where nothing
    can be verified at all."""
    folder = folder_of(plan)
    expect_folder(folder)
    verified: list[VerifiedApproval] = []
    rejected: list[RejectedApproval] = []
    names = {name: _NAME.fullmatch(name) for name in _names(folder)}
    for name, is_ours in {(parts["key"] if parts else name): parts for name, parts in names.items()}.items():
        try:
            if not is_ours:
                raise NotASignature("is not called as an approval is")
            verified.append(_verified(folder, name, signers, revoked))
        except (NotASignature, NotReadable) as refusal:
            rejected.append(RejectedApproval(f"{folder.name}/{name}", str(refusal)))
        except DocumentError as refusal:
            rejected.append(RejectedApproval(f"{folder.name}/{name}", refusal.message.strip()))
    principals = tuple(dict.fromkeys(signer.principal for signer in signers.values()))
    return FoundApprovals(tuple(verified), tuple(rejected), principals, source)


def _verified(folder: Path, name: str, signers: Mapping[bytes, Signer], revoked: Revoked) -> VerifiedApproval:
    """One approval. Raises DocumentError, NotASignature and NotReadable, whose messages fit behind its name."""
    text, data = _content(folder / f"{name}.txt", LARGEST), _content(folder / f"{name}.sig", LARGEST_SIGNATURE)
    signature = ssh_signature.read(data)
    if signature.key.file_name != name:
        raise NotASignature(f"is called after another key than the one that signed it, {signature.key.fingerprint}")
    if signature.namespace != NAMESPACE:
        raise NotASignature(f"was signed for {signature.namespace[:60]!r}, and not for {NAMESPACE!r}")
    signer = signers.get(signature.key.blob)
    if signer is None:
        raise NotASignature(f"was signed by {signature.key.fingerprint}, which is not among the allowed signers")
    approval = document.load(text, source="")
    if signature.key.blob in revoked.listed:
        raise NotASignature(f"was signed by {signature.key.fingerprint} of {signer.principal}, which is revoked")
    if why := ssh_keygen.refused(text, data, signature.key, revoked.krl):
        raise NotASignature(f"does not count: {why}")
    approver = Approver(principal=signer.principal, key=signature.key.fingerprint)
    return VerifiedApproval(approval, approver, f"{folder.name}/{name}", signer.since, signer.before)


def _names(folder: Path) -> list[str]:
    """The names of all files in it; none where there is no such folder. Raises ApprovalError."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(MOST + 1), strict=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ApprovalError(f"{folder} cannot be read: {error.strerror}") from None
    if len(names) > MOST:
        raise ApprovalError(
            f"{folder} holds more than {MOST} files, which are no approvals of one plan",
            hint="see who writes there; take away what is none",
        )
    return sorted(names)


def _content(path: Path, most: int) -> bytes:
    if path.is_symlink():
        raise NotReadable(f"has a link in it: {path.name}")
    try:
        return read_regular(path, most)
    except FileNotFoundError:
        raise NotReadable(f"has no {path.name}") from None
