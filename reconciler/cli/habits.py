"""What people type who come from Terraform and the like, and what it is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HABITS: Mapping[str, str] = {
    "-out": "it is --out FILE",
    "-json": "it is --format json",
    "--json": "it is --format json",
    "-auto-approve": "it is --yes; a saved plan is applied without a question",
    "--auto-approve": "it is --yes; a saved plan is applied without a question",
    "-target": "name the target, or TARGET/KIND/NAME, behind the verb",
    "--target": "name the target, or TARGET/KIND/NAME, behind the verb",
    "-detailed-exitcode": "it is --detailed-exitcode",
    "-chdir": "it is --desired DIR, before the verb",
    "version": "it is reconciler --version",
    "-var": "a variable of the YAML, ${NAME}, comes from the environment",
    "destroy": "declare an index or a user absent, then plan and apply; reconciler rollback undoes an apply",
    "refresh": "there is no state to refresh: every plan reads the live systems",
    "-refresh-only": "there is no state to refresh: reconciler drift says what differs",
    "state": "there is no state: reconciler import prints what a target has",
    "diff": "it is reconciler plan, or drift",
    "status": "it is reconciler drift",
    "--fix": "drift changes nothing: reconciler plan --out FILE, then reconciler apply FILE",
    "-y": "it is --yes; a saved plan is applied without a question",
}
"""By the word as it is typed, without its value."""


def hint(arguments: Sequence[str], *, no_verb: bool) -> str:
    """What the first of such words among `arguments` is here; empty where there is none.

    `no_verb`: none of ours is among them.
    """
    for word in arguments:
        name = word.split("=")[0]
        if name in HABITS and (no_verb or name.startswith("-")):  # a target may be called as a verb is elsewhere
            return f"{name}: {HABITS[name]}"
    return ""
