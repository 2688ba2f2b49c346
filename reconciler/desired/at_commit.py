"""What the YAML of an earlier commit declares, by the rules of today: offline, and without a secret.

Decided: docs/decisions.md#yaml-of-earlier-commits
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from reconciler.desired import variables
from reconciler.desired.load import load
from reconciler.documents.git_tree import NotInGit, write_tree
from reconciler.errors import ReconcilerError
from reconciler.kind import AnyKind
from reconciler.model import Address, IgnoreRule, Resource, UnknownReason
from reconciler.secrets import Secrets
from reconciler.yaml.files import read_file
from reconciler.yaml.node import Node


class DeclaredThen(NamedTuple):
    """What a commit declares. `by_variables` are the resources in whose files variables of the environment are used,
    beside those of targets: what these were at that time, no commit tells."""

    resources: Mapping[Address, Resource]
    by_variables: frozenset[Address]
    ignore: Sequence[IgnoreRule]


AtCommit = Callable[[str], DeclaredThen | UnknownReason]
"""What a commit declares, or why nobody can say."""


def at_commits(folder: Path, kinds: Sequence[AnyKind], env: Mapping[str, str], secrets: Secrets) -> AtCommit:
    """Looks at commits of the repository that `folder` is in; at each of them once."""

    @cache
    def declared(commit: str) -> DeclaredThen | UnknownReason:
        with TemporaryDirectory(prefix="reconciler-") as name:
            try:
                then = write_tree(folder, commit, Path(name), leave_out=secrets.reach.targets)
            except NotInGit:
                return UnknownReason.COMMIT_UNREADABLE
            try:
                desired = load(then, kinds, env, secrets, offline=True, partial=True)
                used = {each.declared_at.rsplit(":", 2)[0] for each in desired.resources}
                varying = {file for file in used if any(_varies(text, env) for text in _texts(Path(file)))}
            except (ReconcilerError, OSError):
                return UnknownReason.YAML_UNREADABLE
        if desired.unseen:
            return UnknownReason.YAML_UNREADABLE
        return DeclaredThen(
            {each.address: each for each in desired.resources},
            frozenset(each.address for each in desired.resources if each.declared_at.rsplit(":", 2)[0] in varying),
            desired.ignore,
        )

    return declared


def _varies(text: str, env: Mapping[str, str]) -> bool:
    """Whether `text` is another with another environment: a name that is none of its variables is a column of rows."""
    return any(
        found["name"] and (found["name"] in env or found["default"] is not None)
        for found in variables.REFERENCE.finditer(text)
    )


def _texts(file: Path) -> Iterator[str]:
    for _, root in read_file(file):
        sections: Mapping[str, Node] = root.value if isinstance(root.value, dict) else {}
        for key, section in sections.items():
            if key != "targets":
                yield from section.texts()
