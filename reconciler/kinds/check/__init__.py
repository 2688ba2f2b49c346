"""Checklist items: decided by evidence, waived for a while, never changed by us.

KIND is the kind.
"""

from __future__ import annotations

from reconciler.kinds.check.kind import CheckKind

KIND = CheckKind()

__all__ = ["KIND", "CheckKind"]
