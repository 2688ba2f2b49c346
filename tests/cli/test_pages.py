"""`--limit`, `--marker`, `--source-url`, `--out-markdown` and `--out-html`, and what is wrong with them."""

from __future__ import annotations

import pytest
from applying.acting import Command
from views.sample import PLAN, RECEIPT

from reconciler.cli.options.pages import of_pipeline
from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def show(tmp_path, monkeypatch):
    for name in ("GITHUB_SERVER_URL", "CI_PROJECT_URL"):
        monkeypatch.delenv(name, raising=False)
    plan_file.write(plan_file.seal(PLAN), tmp_path / "plan.json")

    def run(*arguments, file="plan.json"):
        return Command(tmp_path / "desired", {}).run("show", tmp_path / file, *arguments)

    return run


def test_a_limit_a_marker_and_links_are_as_given(show):
    code, out, err = show(
        "--format", "markdown", "--limit", "5000", "--marker", "prod/eu", "--source-url", "https://git.example/x/"
    )
    assert code == 0, err
    assert out.startswith("<!-- reconciler:plan:prod/eu -->\n")
    assert len(out.encode()) <= 5000
    assert "](https://git.example/x/desired/postgres/tasks.yaml#L7)" in out
    assert "`reconciler show PLAN --format markdown --limit 0` shows all of it." in out


def test_what_is_written_to_a_file_is_whole_whatever_is_shown(show, tmp_path):
    code, out, err = show("--limit", "4000", "--marker", "main", "--out-markdown", tmp_path / "plan.md")
    assert code == 0, err
    assert "Too long" not in out
    written = (tmp_path / "plan.md").read_text()
    assert written == show("--format", "markdown", "--limit", "0", "--marker", "main")[1]
    assert len(written) > 4000


def test_markdown_that_cannot_be_written_is_an_error(show, tmp_path):
    code, out, err = show("--out-markdown", tmp_path / "nowhere" / "plan.md")
    assert (code, out) == (1, "")
    assert "plan.md cannot be written: the folder" in err


@pytest.mark.parametrize(
    "marker", ["", "a b", "a-->", "a--b", "a>b", "a<b", "a\nb", "a\x1b[2J", "ä", "x" * 101, "a\u202eb"]
)
def test_a_marker_that_could_end_its_comment_is_refused(marker, show):
    code, out, err = show("--format", "markdown", "--marker", marker)
    assert (code, out) == (1, "")
    assert "is no marker: expected one word" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//host/x", "https://", "https:///x", "ftp://host", "file:///etc",
        "https://user:secret@host/x", "https://host/x?token=secret", "https://host/x#secret", "https://host/a b",
        "https://host/x)(", "https://host/[x]", "https://host/`x`", "https://host/\nx", "https://[host/", "", "host/x",
    ],
)  # fmt: skip
def test_a_source_url_that_is_no_plain_address_is_refused_and_not_repeated(url, show):
    code, out, err = show("--format", "markdown", "--source-url", url)
    assert (code, out) == (1, "")
    assert "expected the http or https address of a folder" in err
    assert "secret" not in err


@pytest.mark.parametrize("limit", ["-1", "1", "3999", "many", "4e3", "1.5", "", "9" * 13])
def test_a_limit_that_leaves_no_room_is_refused(limit, show):
    code, out, err = show("--format", "markdown", f"--limit={limit}")
    assert (code, out) == (1, "")
    assert "expected 0 for the whole, or at least 4000 bytes" in err


@pytest.mark.parametrize("page", [[], ["--format", "html"], ["--out-html", "plan.html"]])
@pytest.mark.parametrize("option", [["--limit", "0"], ["--marker", "a"]])
def test_what_is_of_markdown_is_refused_where_none_is_written(option, page, show):
    code, out, err = show(*option, *page)
    assert (code, out) == (1, "")
    assert f"{option[0]} is of Markdown\n  add --format markdown, or --out-markdown FILE" in err


def test_where_links_lead_is_refused_where_there_are_none(show):
    code, out, err = show("--source-url", "https://host/x")
    assert (code, out) == (1, "")
    assert "--source-url is of Markdown and HTML\n  add --format markdown or html, --out-markdown FILE" in err


def test_a_page_for_a_browser_is_written_whatever_is_shown_and_links_to_files(show, tmp_path):
    code, out, err = show("--source-url", "https://git.example/x/", "--out-html", tmp_path / "plan.html")
    assert code == 0, err
    assert out.startswith("cache  Valkey 9.1")
    written = (tmp_path / "plan.html").read_text()
    assert 'href="https://git.example/x/desired/postgres/tasks.yaml#L7"' in written
    assert written == show("--source-url", "https://git.example/x/", "--format", "html")[1]


def test_of_a_receipt_there_is_a_page_and_no_markdown(show, tmp_path):
    receipt_file.write(RECEIPT, tmp_path / "receipt.json")
    code, out, err = show("--format", "html", file="receipt.json")
    assert code == 0, err
    assert '<h2 id="timeline">' in out
    code, out, err = show("--out-markdown", tmp_path / "receipt.md", file="receipt.json")
    assert (code, out) == (1, "")
    assert "there is no format 'markdown' for receipt\n  choose one of text, json, html" in err


@pytest.mark.parametrize("verb", ["plan", "drift", "check", "show"])
def test_every_verb_that_writes_markdown_has_the_options(verb, tmp_path):
    out = Command(tmp_path / "desired", {}).run(verb, "--help")[1]
    assert all(option in out for option in ("--limit", "--marker", "--source-url", "--out-markdown", "--out-html"))


@pytest.mark.parametrize(
    ("first", "second"), [("--out", "--out-markdown"), ("--out", "--out-html"), ("--out-markdown", "--out-html")]
)
def test_a_plan_and_its_pages_are_each_a_file(first, second, tmp_path):
    path = tmp_path / "plan.json"
    code, _, err = Command(tmp_path / "desired", {}).run("plan", first, path, second, path)
    assert code == 1
    assert f"{first} and {second} are both {path}" in err


GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "us/db", "GITHUB_SHA": COMMIT}
GITLAB = {"CI_PROJECT_URL": "https://gitlab.com/us/db", "CI_COMMIT_SHA": COMMIT}


def test_links_of_a_pipeline_lead_to_its_commit_and_to_the_folder_it_runs_in(tmp_path):
    below = tmp_path / "a b"
    below.mkdir()
    assert of_pipeline(GITHUB, tmp_path) == f"https://github.com/us/db/blob/{COMMIT}"
    assert of_pipeline(GITLAB, tmp_path) == f"https://gitlab.com/us/db/-/blob/{COMMIT}"
    inside = {**GITHUB, "GITHUB_WORKSPACE": str(tmp_path)}
    assert of_pipeline(inside, below) == f"https://github.com/us/db/blob/{COMMIT}/a%20b"
    assert of_pipeline({**GITLAB, "CI_PROJECT_DIR": str(below)}, tmp_path) == ""


@pytest.mark.parametrize(
    "environment",
    [
        {}, {**GITHUB, "GITHUB_SHA": ""}, {"CI_PROJECT_URL": "https://gitlab.com/us/db"},
        {**GITHUB, "GITHUB_SERVER_URL": "javascript:x"}, {**GITLAB, "CI_PROJECT_URL": "https://me:secret@host/x"},
    ],
)  # fmt: skip
def test_without_a_pipeline_that_says_where_it_is_there_are_no_links(environment, tmp_path):
    assert of_pipeline(environment, tmp_path) == ""
