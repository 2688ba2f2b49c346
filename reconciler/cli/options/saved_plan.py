"""Which saved plan, or folder of them, the arguments of `apply` name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.errors import UsageError


def named(names: Sequence[str], where: str | None) -> Path | None:
    """The saved plan that is named; None where none is. Raises UsageError where something else is named beside it."""
    files = [name for name in names if _is_saved(name)]
    if not files:
        return None
    if len(names) > 1 or where is not None:
        what, made = (
            ("a folder of plans", "--out-dir DIR") if Path(files[0]).is_dir() else ("a saved plan", "--out FILE")
        )
        raise UsageError(
            f"{files[0]} is {what}, and applied as it is: nothing else is named beside it",
            hint=f"narrow it where it is made: reconciler plan {made} [TARGET | TARGET/KIND/NAME]…",
        )
    return Path(files[0])


def _is_saved(name: str) -> bool:
    """Whether it names a file, or a folder of plans, and not a target: one may be called as any other folder."""
    path = Path(name)
    if path.is_dir():
        return name.endswith("/") or any(path.glob("fleet*.json"))
    return name.endswith(".json") or path.exists()
