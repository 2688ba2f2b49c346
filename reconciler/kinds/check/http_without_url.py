"""Targets over HTTP that name no application: there is nothing to ask, nor to vouch for."""

from __future__ import annotations

from reconciler.kinds.check.verdict import Unavailable
from reconciler.model import CheckStatus, System
from reconciler.targets.session import Session


def missing(session: Session) -> Unavailable | None:
    """What is said of checks that are about the application, where the target declares no URL of one."""
    if session.target.system is not System.HTTP:
        return None
    from reconciler.targets.http import HttpSession

    if not isinstance(session, HttpSession) or session.declared:
        return None
    return Unavailable(status=CheckStatus.NOT_APPLICABLE, message=f"target {session.target.name} declares no URL")
