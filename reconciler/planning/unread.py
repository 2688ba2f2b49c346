"""Why a target could not be read, as what is told of it."""

from __future__ import annotations

from reconciler.desired.declared import Unseen
from reconciler.errors import ConnectionFailed, TargetError
from reconciler.model import Target, Unreachable, UnreadReason
from reconciler.secrets import Secrets


def unread(target: Target, error: TargetError, secrets: Secrets, reason: UnreadReason | None = None) -> Unreachable:
    """What `error` of a declared target, or of a node of it, says; without any secret. `reason`: else as the error."""
    return Unreachable(
        target=target.name, node=error.target, reason=reason or _reason(error), message=secrets.redact(error.said),
        hint=secrets.redact(error.hint), declared_at=target.declared_at,
    )  # fmt: skip


def unknown(unseen: Unseen) -> Unreachable | None:
    """That the targets of a template are not known, as of a target of its name; None where nobody was asked."""
    if unseen.unanswered is None:
        return None
    return Unreachable(
        target=unseen.name, node=unseen.name, reason=_reason(unseen.unanswered.reached),
        message=f"the targets of this template are not known: {unseen.unanswered.message}",
        hint=unseen.unanswered.hint, declared_at=unseen.at,
    )  # fmt: skip


def _reason(error: TargetError) -> UnreadReason:
    if isinstance(error, ConnectionFailed):
        return UnreadReason.SILENT if error.silent else UnreadReason.NOT_CONNECTED
    return UnreadReason.NOT_READ
