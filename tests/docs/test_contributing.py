"""CONTRIBUTING.md: its picture of the house is that of the folder, and what it names is there."""

from __future__ import annotations

import re
from itertools import pairwise

from docs.pages import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PICTURE = TEXT[TEXT.index("```text\nreconciler/") :].partition("\n```")[0]


def test_the_picture_of_the_house_names_every_room_and_no_other():
    inside, around = PICTURE.partition("\ndesired/")[::2]
    named = {word for line in inside.splitlines()[2:] for word in re.findall(r"^ {2}(\S.*?) {2}", line)[0].split()}
    package = ROOT / "reconciler"
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    files = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    assert named == rooms | files
    assert all((ROOT / room).is_dir() for room in re.findall(r"^([a-z]+)/", f"desired/{around}", re.M))


def test_the_picture_goes_up_as_imports_go_down():
    """What stands in one line of it may be of several heights, in neighbouring ones."""
    layers = re.search(r"^layers = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S)[1]
    heights = [re.findall(r"reconciler\.(\w+)", line) for line in layers.strip().splitlines()][::-1]
    line_of = {
        re.sub(r"/$|\.py$", "", word): number
        for number, line in enumerate(PICTURE.partition("\ndesired/")[0].splitlines())
        for word in line[:34].split()
    }
    places = [[line_of[room] for room in rooms] for rooms in heights]
    assert all(max(below) <= min(above) for below, above in pairwise(places))


def test_the_marks_that_it_names_are_there():
    marks = re.search(r"^- Marks say(.*?)`pyproject.toml`", TEXT, re.M | re.S)[1]
    known = re.findall(r"^    '(\w+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"`(\w+)", marks)) <= set(known)
