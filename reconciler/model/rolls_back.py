"""What a plan undoes, where it undoes an apply."""

from __future__ import annotations

from datetime import datetime

from reconciler.model.base import Frozen


class RollsBack(Frozen):
    """The apply that a plan undoes.

    receipt     SHA-256 over all that its receipt holds.
    plan        the digest of the plan that was applied.
    applied_at  when that apply came to its end.
    commit      that the YAML was of then, in hex: what is to be reverted, too; empty: not known.
    """

    receipt: str
    plan: str
    applied_at: datetime
    commit: str = ""
