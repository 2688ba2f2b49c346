"""The policy of whoever runs the tool: a file of one section, `policy`, which no YAML of targets can weaken."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from reconciler.desired.places import of_key
from reconciler.desired.policy_section import POLICY
from reconciler.desired.validation_errors import explain
from reconciler.errors import DesiredError
from reconciler.model import NO_POLICY, Policy
from reconciler.yaml.files import read_file
from reconciler.yaml.node import Node
from reconciler.yaml.suggestions import quoted

SECTION = "policy"


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises DesiredError, also where there is none in it: an empty one holds nobody back."""
    documents = read_file(path)
    found = [(file, root) for file, root in documents if root.child(SECTION) is not None]
    for file, root in documents:
        for key in root.value if isinstance(root.value, dict) else ():
            if key != SECTION:
                message = f"the key {quoted(key)} is not of a file of a policy: it holds `{SECTION}` alone"
                raise DesiredError(message, at=of_key(file, root, key))
    if len(found) != 1:
        raise DesiredError(
            "there is no policy in this file" if not found else "there are several policies in this file",
            at=str(path),
            hint="write one: policy: {deny: [index-drop]}",
        )
    [(file, root)] = found
    node = root.child(SECTION)
    plain = written(node) if node else None
    try:
        section = POLICY.validate_python(plain)
    except ValidationError as error:
        first, *others = explain(error, root, SECTION, plain, POLICY, file)
        raise DesiredError(first.message, at=first.at, hint=first.hint, others=others) from None
    policy = section.policy(of_key(file, root, SECTION))
    if policy == NO_POLICY.model_copy(update={"declared_at": policy.declared_at}):
        raise DesiredError(
            "this policy holds nobody back", at=policy.declared_at, hint="say what it is to deny or to ask"
        )
    return policy


def written(node: Node) -> object:
    """The plain value of a tree as it is written."""
    if isinstance(node.value, dict):
        return {key: written(child) for key, child in node.value.items()}
    return [written(child) for child in node.value] if isinstance(node.value, list) else node.value
