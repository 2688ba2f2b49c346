"""What a parse tree of SQL holds, found in one walk."""

from __future__ import annotations

from typing import Any


def nodes_and_texts(tree: Any) -> tuple[dict[str, list[Any]], list[str]]:
    """The nodes of a tree by their type, constants apart; the names in it, and some other texts with them.

    One walk, for whoever looks for several types: `postgast.find_nodes` walks once for each, and unwraps every node.
    """
    nodes: dict[str, list[Any]] = {}
    texts: list[str] = []
    found = [tree]
    known = _HOLDS.get
    for node in found:  # which grows
        name = node.DESCRIPTOR.name
        if name == "A_Const":
            continue
        if name in nodes:
            nodes[name].append(node)
        else:
            nodes[name] = [node]
        for descriptor, value in node.ListFields():
            holds = known(descriptor) or _held_by(descriptor)
            if holds == "node":
                found.append(value)
            elif holds == "nodes":
                found += value
            elif holds == "text":
                texts.append(value)
    return nodes, texts


_HOLDS: dict[Any, str] = {}
"""By descriptor of a field: to ask a descriptor takes longer than all else that is done for a field."""


def _held_by(descriptor: Any) -> str:
    if descriptor.message_type is not None:
        holds = "nodes" if descriptor.is_repeated else "node"
    else:
        holds = "text" if descriptor.type == descriptor.TYPE_STRING else "number"
    _HOLDS[descriptor] = holds
    return holds
