"""The text that is signed to approve a plan, and where it lies: one spelling of each approval, one field a line.

    reconciler-approval 1
    plan sha256:<digest>
    target main postgres:7519482038190234/app
    allow index-drop
    expires 2026-12-05T00:00:00Z
    comment looked at with the DBA

Targets and hazards are sorted, each at most once. A text of any other spelling is no approval: what was signed is what
was read.

Decided: docs/decisions.md#text-of-an-approval
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, unquote

from reconciler.documents.document import timestamp
from reconciler.errors import DocumentError
from reconciler.model import Approval, HazardType, Plan

HEAD = "reconciler-approval 1"

LARGEST = 4 << 20
"""Bytes of a text: the targets of a plan of 40,000."""

LARGEST_SIGNATURE = 16 << 10
"""Bytes of a signature: one by RSA of 16,384 bits takes 6 kB."""

LONGEST_COMMENT = 500
"""Characters."""

_ROUGHLY = re.compile(
    r"reconciler-approval 1\n"
    r"plan sha256:(?P<plan>[0-9a-f]{64})\n"
    r"(?P<targets>(?:target \S+ \S+\n)*)"
    r"(?P<allow>(?:allow [a-z-]+\n)*)"
    r"expires (?P<expires>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)\n"
    r"(?:comment (?P<comment>[^\n]+)\n)?"
)
_SAFE = "@/:,;=+[]"


def folder_of(plan: Path) -> Path:
    """Where the approvals of the plan in the file `plan` lie."""
    return plan.with_name(f"{plan.name}.approvals")


def targets_of(plan: Plan) -> dict[str, str]:
    """`Approval.targets` of an approval of `plan`."""
    return {name: f"{info.system.value}:{info.identity}" for name, info in plan.targets.items()}


def dump(approval: Approval) -> str:
    """The text that is signed."""
    lines = [HEAD, f"plan sha256:{approval.plan}"]
    lines += [f"target {quote(name, safe=_SAFE)} {quote(approval.targets[name], safe=_SAFE)}"
              for name in sorted(approval.targets)]  # fmt: skip
    lines += [f"allow {hazard.value}" for hazard in sorted({*approval.allow})]
    lines += [f"expires {timestamp(approval.expires.replace(microsecond=0))}"]
    lines += [f"comment {approval.comment}"] if approval.comment else []
    return "".join(f"{line}\n" for line in lines)


def load(data: bytes, *, source: str) -> Approval:
    """The approval that a file holds; `source` is its name. `load(dump(approval).encode()) == approval`.

    Raises DocumentError, whose message fits behind the name, for everything that `dump` does not write.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(source, "is not text in UTF-8")
    if "\r" in text:
        _refuse(source, "has a carriage return in it: something has changed the ends of its lines")
    if not text.startswith(f"{HEAD}\n"):
        _refuse(source, f"is no approval that can be read: its first line is not {HEAD!r}")
    found = _ROUGHLY.fullmatch(text)
    if found is None:
        _refuse(source, "has a line that no approval has, or one at another place, or more than once")
    targets = [line.split(" ")[1:] for line in found["targets"].splitlines()]
    try:
        approval = Approval(
            plan=found["plan"],
            targets={unquote(name, errors="strict"): unquote(identity, errors="strict") for name, identity in targets},
            allow=tuple(HazardType(line.split(" ")[1]) for line in found["allow"].splitlines()),
            expires=datetime.strptime(found["expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
            comment=found["comment"] or "",
        )
    except ValueError:
        _refuse(source, "allows a hazard that nobody knows, or names a day that there is none of")
    if dump(approval) != text or not _is_comment(approval.comment):
        _refuse(source, "is not spelled as an approval is: what was signed would not be what is read")
    return approval


def expect_comment(comment: str) -> None:
    """Raises DocumentError where `comment` is not one line that can be seen whole."""
    if not _is_comment(comment):
        _refuse("a comment", f"is one line of at most {LONGEST_COMMENT} characters that can be seen")


def _is_comment(comment: str) -> bool:
    return comment == comment.strip() and comment.isprintable() and len(comment) <= LONGEST_COMMENT


def _refuse(source: str, what: str) -> NoReturn:
    raise DocumentError(f"{source} {what}", hint="approve the plan again: reconciler approve PLAN --key FILE") from None
