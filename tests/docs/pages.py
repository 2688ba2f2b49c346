"""The pages of the documentation, taken apart: fenced blocks with where they stand, links, commands."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]

_spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)

SEPARATORS = {"|", "||", "&&", ";", "&", "(", ")", "!"}
PREFIXES = {"if", "then", "else", "do", "while", "until", "$"}


class Block(NamedTuple):
    """One fenced block. `info` is what stands behind its fence: "yaml", "sh", "yaml workflow"."""

    at: str
    info: str
    text: str


def blocks(*infos: str) -> list[Block]:
    """All blocks of these kinds, of all pages."""
    found = []
    for page in generate.pages():
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
            if token.type == "fence" and token.info.strip() in infos:
                at = f"{page.relative_to(ROOT)}:{token.map[0] + 1}"
                found.append(Block(at, token.info.strip(), token.content))
    return found


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> list[str]:
    """The anchors of a page's headings."""
    return [anchor(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)]


def marked(name: str) -> str:
    """The block below the comment `<!-- tried: NAME -->`."""
    for page in generate.pages():
        found = re.search(
            rf"<!-- tried: {re.escape(name)} -->\n```[\w ]+\n(.*?)```", page.read_text("utf-8"), re.DOTALL
        )
        if found:
            return found[1]
    raise AssertionError(f"no page has a block that is marked as tried: {name}")


def scripts() -> list[Block]:
    """Everything that a reader may paste into a shell: sh blocks, and what a workflow runs."""
    found = blocks("sh")
    for block in blocks("yaml workflow"):
        for job in yaml.safe_load(block.text)["jobs"].values():
            found += [Block(block.at, "sh", step["run"]) for step in job["steps"] if "run" in step]
    return found


def commands(script: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of `program` in a shell script; redirections are left out."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.replace("${{", "").replace("}}", ""), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in SEPARATORS:
                words.append(word)
                continue
            while words and (words[0] in PREFIXES or re.match(r"[A-Z_]+=", words[0])):
                words = words[1:]
            if words and words[0] == program:
                redirected = next((place for place, each in enumerate(words) if each[0] in "<>"), len(words))
                yield words[1:redirected]
            words = []
