"""A Python that another user may run: PostgreSQL refuses root, and whatever starts PostgreSQL runs as its user."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

LEFT_OUT = shutil.ignore_patterns("test", "site-packages", "dist-packages", "config-*", "idlelib", "tkinter", "*.a")
"""Of the standard library: most of its bytes, and nothing that a server needs."""


def python_for_everyone(folder: Path, *wanted: str) -> tuple[Path, dict[str, str]]:
    """An interpreter and the environment variables with which any user can import the packages `wanted`.

    They, and all that they require, are copied into `folder`; so is the interpreter where it lies in a closed folder,
    such as pyenv's below /root.
    """
    packages = folder / "packages"
    made = not packages.exists()
    if made:
        for found in _required(wanted):
            for file in found.files or ():
                # Not what lies outside of site-packages: the scripts of bin.
                if ".." not in file.parts and (source := Path(str(found.locate_file(file)))).is_file():
                    target = packages / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target)
    environment = {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    python = Path(sys._base_executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    if not all(part.stat().st_mode & 0o005 == 0o005 for at in (python, stdlib) for part in [at, *at.parents]):
        python, environment["LD_LIBRARY_PATH"] = _copied(folder / "python", python, stdlib)
    for path in [folder, *folder.rglob("*")] if made else ():
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return python, environment


def _copied(folder: Path, python: Path, stdlib: Path) -> tuple[Path, str]:
    """The interpreter in a tree of its own, and the folder of its library, which is linked by an absolute path."""
    base = Path(sys.base_prefix)
    copy = folder / python.relative_to(base)
    libraries = folder / "lib"
    if not copy.exists():
        shutil.copytree(stdlib, folder / stdlib.relative_to(base), ignore=LEFT_OUT, symlinks=True)
        for library in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython*.so*"):
            shutil.copy2(library, libraries, follow_symlinks=False)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(python, copy)
    return copy, str(libraries)


def _required(names: tuple[str, ...]) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    asked = [Requirement(name) for name in names]
    while asked:
        wanted = asked.pop()
        if wanted.name.lower() in found:
            continue
        try:
            here = found[wanted.name.lower()] = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        for line in here.requires or ():
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                asked.append(needed)
    return list(found.values())
