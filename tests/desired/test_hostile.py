"""Input that is made to exhaust memory, stack or patience. None of it takes a second."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sweep
from desired.reading import TARGETS, load_files, load_refused, read, refused

from reconciler.desired.load import MOST_ERRORS
from reconciler.errors import DesiredError, UsageError
from reconciler.yaml.document import MOST_BYTES
from reconciler.yaml.syntax_errors import MOST_DEPTH


def test_a_bomb_of_aliases_is_refused_before_it_is_written_out():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    assert refused("\n".join(lines)).startswith(
        "x.yaml:7:10: with its aliases written out, this file has more than 8 MB"
    )


def test_a_bomb_of_one_long_text_is_refused():
    text = "a: &a " + "x" * 1_000_000 + "\nb: [" + "*a, " * 20 + "]\n"
    assert "with its aliases written out" in refused(text)


def test_a_bomb_that_is_spread_over_many_lists_and_documents_is_refused():
    document = "a: &a " + "x" * 1_000_000 + "\n" + "".join(f"b{number}: [*a]\n" for number in range(3)) + "---\n"
    assert refused(document * 3).startswith("x.yaml:14:6: with its aliases written out")


def test_a_bomb_of_merge_keys_is_refused():
    lines = ["a0: &a0 {" + ", ".join(f"k{number}: v" for number in range(1000)) + "}"]
    lines += [f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}]}}" for level in range(1, 40)]
    assert "with its aliases written out" in refused("\n".join(lines))


def test_many_anchors_and_aliases_are_read():
    number = 20_000
    text = "".join(f"k{each}: &a{each} v{each}\n" for each in range(number))
    text += "all: [" + ", ".join(f"*a{each}" for each in range(number)) + "]\n"
    assert read(text)["all"] == [f"v{each}" for each in range(number)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "flow lists, open"),
        ("[" * 100_000 + "]" * 100_000, "flow lists, closed"),
        ("{a: " * 100_000, "flow mappings"),
        ("- " * 100_000, "block lists in one line"),
        ("? " * 100_000, "explicit keys"),
        ("".join(" " * level + "a:\n" for level in range(2_000)), "block mappings"),
        ("a: &a0 []\n" + "".join(f"b{n}: &a{n + 1} [*a{n}]\n" for n in range(60)), "aliases of aliases"),
    ],
)
def test_deep_nesting_is_refused(text, reason):
    error = refused(text)
    assert "nested deeper than 50 levels" in error or "is used as a key" in error, reason


def test_the_deepest_nesting_that_is_allowed_is_read():
    assert read("[" * MOST_DEPTH + "]" * MOST_DEPTH)
    assert "nested deeper" in refused("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1))


def test_a_file_of_10_mb_is_refused_by_its_size(tmp_path):
    error = load_refused(tmp_path, {"x.yaml": b"#" * 10 * 1024**2})
    assert error == (
        "x.yaml: the file has 10.0 MB; at most 8 MB are read\n"
        "  split it: all files of the folder are read, and targets may be shared between them"
    )


def test_the_largest_file_that_is_allowed_is_read(tmp_path):
    filler = b"#" * (MOST_BYTES - len(TARGETS))
    assert load_files(tmp_path, {"x.yaml": TARGETS.encode() + filler}).targets.keys() == {"main", "cache", "web"}


def test_many_errors_are_shown_up_to_a_screenful_and_counted(tmp_path):
    settings = "".join(f"  s{number}: [x]\n" for number in range(1000))
    with pytest.raises(DesiredError) as caught:
        load_files(tmp_path, {"t.yaml": TARGETS, "x.yaml": f"target: main\nsettings:\n{settings}"})
    assert len(caught.value.others) == MOST_ERRORS
    assert str(caught.value.others[-1]) == "… and 980 more errors"


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path.mkdir(), "x.yaml: this is a folder, and named like a YAML file\n  rename the folder"),
        (
            lambda path: path.symlink_to("nowhere"),
            "x.yaml: the file cannot be read: it is a symbolic link to nothing\n  remove or mend the link",
        ),
        (
            lambda path: path.symlink_to(path.name),
            "x.yaml: the file cannot be read: Too many levels of symbolic links",
        ),
        (
            lambda path: os.mkfifo(path),
            "x.yaml: this is not a regular file\n  put a file, or a link to one, here",
        ),
    ],
    ids=["a folder", "a broken link", "a link to itself", "a pipe that nobody writes to"],
)
def test_what_is_no_file_is_refused(tmp_path, make, error):
    make(tmp_path / "x.yaml")
    assert load_refused(tmp_path, {}) == error


@pytest.fixture
def as_nobody():
    """The rights of an ordinary user, where the tests run as root, whom no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_file_and_a_folder_without_permission_are_refused(tmp_path, request):
    for parent in (tmp_path, *(each for each in tmp_path.parents if each.is_relative_to(os.environ[sweep.MARK]))):
        parent.chmod(0o755)
    (tmp_path / "x.yaml").write_text("a: 1")
    (tmp_path / "x.yaml").chmod(0)
    (tmp_path / "y").mkdir()
    (tmp_path / "y").chmod(0)
    request.getfixturevalue("as_nobody")
    assert load_refused(tmp_path, {}) == (
        "the folder y cannot be read: Permission denied\nx.yaml: the file cannot be read: Permission denied"
    )


def test_folders_that_link_to_each_other_are_read_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    loaded = load_files(tmp_path, {"targets.yaml": TARGETS, "a/x.yaml": "target: main\nsettings: {work_mem: 1MB}\n"})
    assert [str(resource.address) for resource in loaded.resources] == ["main/pg_setting/work_mem"]


@pytest.mark.parametrize(
    ("name", "error"),
    [("nowhere", "does not exist"), ("file", "is not a folder")],
)
def test_a_folder_that_is_none_is_an_error_of_usage(tmp_path, name, error):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        load_files(Path(tmp_path / name), {})
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        f"the folder {name!r} with the desired state {error}\n  name the right one with --desired DIR, "
        "or in the variable RECONCILER_DESIRED"
    )
