"""What a shell offers where a verb takes targets and addresses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PLAIN = re.compile(r"[\w./@:*+-]+")
"""What a shell takes as it is. Names come from YAML that somebody else may have written: `$(…)` would be run."""


def names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Targets that begin so; behind the name of one, its resources; files besides, where the verb takes them. What
    cannot be read is not offered: somebody is typing, and no error helps him there."""
    from click.shell_completion import CompletionItem

    known = (each for each in _names(context, incomplete) if each.startswith(incomplete))
    found = [CompletionItem(each) for each in known if _PLAIN.fullmatch(each)]
    files = [CompletionItem(incomplete, type="file")] if context.info_name == "apply" and not found else []
    return [*found, *files]


def _names(context: click.Context, incomplete: str) -> list[str]:
    from reconciler.allow_lists import Reach
    from reconciler.cli.app import Run
    from reconciler.cli.shared import load
    from reconciler.errors import ReconcilerError

    folder = context.find_root().params.get("folder") or "desired"
    target, slash, _ = incomplete.partition("/")
    try:
        run = Run(Path(folder), False, Reach())
        desired = load(run, [target] if slash else (), offline=True)
    except (ReconcilerError, OSError):
        return []
    if not slash:
        return sorted(desired.targets)
    return sorted(str(each.address) for each in desired.resources if each.stands_for_itself)
