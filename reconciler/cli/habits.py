"""What people type who come from Terraform, and what it is here."""

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
}
"""By the word as it is typed, without its value."""


def hint(arguments: Sequence[str]) -> str:
    """What the first of Terraform's words among `arguments` is here; empty where there is none."""
    for word in arguments:
        name = word.split("=")[0]
        if name in HABITS:
            return f"{name}: {HABITS[name]}"
    return ""
