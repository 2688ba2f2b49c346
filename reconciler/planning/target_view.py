"""What one target had to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model import Notice, Outcome, TargetInfo


@dataclass(frozen=True, slots=True)
class TargetView:
    """What one target had to say. `in_sync` counts resources by kind; `instance` and `remark` as in Session."""

    info: TargetInfo
    instance: str
    outcomes: tuple[Outcome, ...]
    in_sync: Mapping[str, int]
    remark: Notice | None = None
