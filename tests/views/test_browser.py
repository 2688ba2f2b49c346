"""A page in a real browser, where one is installed: its policy lets its own script run, and no other.

Decided: docs/decisions.md#html
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from views.sample import CHANGES, PLAN

from reconciler import views

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(BROWSER is None, reason="wanted: Debian's chromium"),
]
ALONE = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--enable-logging=stderr",
)  # fmt: skip
"""So that it asks nobody for anything."""


def shown(folder: Path, page: str) -> tuple[str, list[str]]:
    """What became of `page` in a browser, and what its console said."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [str(BROWSER), *ALONE, f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return done.stdout, re.findall(r"CONSOLE.*?\] (.*)", done.stderr)


def test_its_own_script_offers_filters_and_says_nothing_else(tmp_path):
    dom, console = shown(tmp_path, views.render(PLAN, "html"))
    assert '<form id="filters" aria-label="Changes to show">' in dom
    assert f"{len(CHANGES)} of {len(CHANGES)} shown" in dom
    assert console == []


def test_whatever_else_came_into_it_would_not_run(tmp_path):
    evil = "<script>document.title = 'owned'</script><p style='color: red' onclick='x()'>x</p><img src='x.png'>"
    dom, console = shown(tmp_path, views.render(PLAN, "html").replace("</main>", f"{evil}</main>"))
    assert "<title>Plan: " in dom
    assert len([line for line in console if re.search("Content Security Policy", line)]) >= 3
