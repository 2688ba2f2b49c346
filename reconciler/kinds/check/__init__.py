"""Checklist items: decided by evidence, waived for a while, never changed by us.

KIND is the kind; `decide_from_outcomes` decides its `indexes: declared` items, once every index has been planned.
"""

from __future__ import annotations

from reconciler.kinds.check.kind import CheckKind
from reconciler.kinds.check.types.indexes import decide_from_outcomes

KIND = CheckKind()

__all__ = ["KIND", "CheckKind", "decide_from_outcomes"]
