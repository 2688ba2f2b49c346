"""The files by which a forge runs a pipeline, as `init --pipeline` writes them.

They are in the package as the documentation shows them, `reconciler/pipelines/`, and name the variables of this folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from reconciler.errors import UsageError

PLACES: Mapping[str, str] = {"github": ".github/workflows/reconciler.yaml", "gitlab": ".gitlab-ci.yml"}
"""By forge, where it looks for the file, from the root of the repository on."""

DESIRED = "desired"
"""The folder that the files name."""

_VARIABLE = re.compile(r"^( *)DATABASE_URL: \$\{\{ secrets\.DATABASE_URL \}\}\n", re.MULTILINE)


def place(forge: str, folder: Path) -> Path:
    """Where the file of `forge` goes, of the repository that `folder` is to stand in. Raises UsageError where something
    is there, or where the file would not find the YAML."""
    if folder.name != DESIRED:
        raise UsageError(
            f"a pipeline plans the folder {DESIRED}/ at the root of its repository, and this is {folder}",
            hint="leave --desired away, or --pipeline; the README has the file to edit",
        )
    found = folder.parent / PLACES[forge]
    if found.exists() or found.is_symlink():
        raise UsageError(f"{found} is there already", hint="leave --pipeline away; the README has the file to compare")
    return found


def text(forge: str, variables: Iterable[str]) -> str:
    """The file of `forge`, whose jobs are given `variables`."""
    template = resources.files("reconciler").joinpath("pipelines", f"{forge}.yaml").read_text(encoding="utf-8")

    def given(found: re.Match[str]) -> str:
        return "".join(f"{found[1]}{name}: ${{{{ secrets.{name} }}}}\n" for name in variables)

    return _VARIABLE.sub(given, template)


def write(path: Path, content: str) -> None:
    """Writes a new file, and folders on the way to it. Raises UsageError where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}") from None
