"""Characters that cannot do harm where they are printed.

Names and values come from servers and from YAML. Whatever a terminal would not simply print (escape sequences, line
breaks, bidirectional overrides, invisible spaces) is shown as its code, `\\x1b`, before it becomes part of a sentence.
"""

from __future__ import annotations

from reconciler.targets.undecodable_names import shown


def visible(text: str) -> str:
    """`text` in one line, with every character that cannot be seen shown as its code."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else shown(char) or _code(char) for char in text)


def _code(char: str) -> str:
    return char.encode("unicode_escape").decode()


def visible_lines(text: str) -> list[str]:
    """The lines of `text` as its author broke them, each made visible; indentation by tabs becomes spaces."""
    lines = []
    for line in text.split("\n"):
        body = line.lstrip(" \t")
        lines.append(line[: len(line) - len(body)].replace("\t", "    ") + visible(body.removesuffix("\r")))
    return lines
