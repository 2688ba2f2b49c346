"""A forge on this disk: a bare repository, pull requests, comments, and the `gh` by which a workflow speaks to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = "team/tuning"

GH = f"""#!{sys.executable}
import json, os, pathlib, re, subprocess, sys

words, state = sys.argv[1:], pathlib.Path(os.environ["FORGE"])
assert os.environ["GH_TOKEN"] == "token-of-the-job", "gh has no token"
if words == ["auth", "git-credential", "get"]:
    print("username=x-access-token\\npassword=token-of-the-job")
    sys.exit()
assert words.pop(0) == "api", words
options = {{}}
while words:
    word = words.pop(0)
    if word in ("--paginate", "--silent"):
        options[word] = True
    elif word in ("--method", "--jq", "--field"):
        options[word] = words.pop(0)
    else:
        path = word
comments = json.loads((state / "comments.json").read_text())
method = options.get("--method", "GET")
body = options.get("--field", "")
if body:
    assert body.startswith("body=@"), body
    body = pathlib.Path(body.removeprefix("body=@")).read_text()
prefix = "repos/{REPOSITORY}/"
assert path.startswith(prefix), path
path = path.removeprefix(prefix)
if method == "GET" and re.fullmatch(r"issues/\\d+/comments", path):
    answer = [each for each in comments if each["issue"] == int(path.split("/")[1])]
elif method == "POST" and re.fullmatch(r"issues/\\d+/comments", path):
    answer = {{"id": 100 + len(comments), "user": {{"login": "github-actions[bot]"}}, "body": body,
        "issue": int(path.split("/")[1])}}
    comments.append(answer)
elif method == "PATCH" and (found := re.fullmatch(r"issues/comments/(\\d+)", path)):
    [answer] = [each for each in comments if each["id"] == int(found[1])]
    answer["body"] = body
elif method == "GET" and (found := re.fullmatch(r"commits/([0-9a-f]{{40}})/pulls", path)):
    answer = json.loads((state / "pulls.json").read_text()).get(found[1], [])
else:
    sys.exit(f"gh: HTTP 404: {{method}} {{path}}")
(state / "comments.json").write_text(json.dumps(comments))
if query := options.get("--jq"):
    sys.exit(subprocess.run(["jq", "-r", query], input=json.dumps(answer), text=True).returncode)
if not options.get("--silent"):
    print(json.dumps(answer))
"""
"""As https://cli.github.com/manual/gh_api has it, and no more of it than the action uses."""


class PullRequest(NamedTuple):
    """A branch, and who opened it."""

    number: int
    branch: str
    author: str


class Forge:
    """What holds the repository of a team, with `main` as its branch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "gh").write_text(GH)
        (self.bin / "gh").chmod(0o755)
        (self.state / "comments.json").write_text("[]")
        (self.state / "pulls.json").write_text("{}")
        self.bare = folder / f"{REPOSITORY}.git"
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.bare), at=folder)
        self.git("config", "receive.advertisePushOptions", "true", at=self.bare)
        self.clone = folder / "clone"
        self.git("init", "--quiet", "--initial-branch", "main", str(self.clone), at=folder)
        self.git("remote", "add", "origin", self.bare.as_uri())

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git says in the clone of people, or `at` another folder."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")} | {
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_AUTHOR_NAME": "carol", "GIT_AUTHOR_EMAIL": "carol@example.com",
            "GIT_COMMITTER_NAME": "carol", "GIT_COMMITTER_EMAIL": "carol@example.com",
        }  # fmt: skip
        return subprocess.run(
            ["git", *arguments], cwd=at or self.clone, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(self, message: str, *, branch: str = "main") -> str:
        """All that is in the clone as a commit of a branch, pushed; its name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return self.head(branch)

    def head(self, branch: str) -> str:
        """The commit of a branch."""
        return self.git("rev-parse", f"refs/heads/{branch}", at=self.bare)

    def merge(self, pull: PullRequest) -> dict[str, Any]:
        """Merges it into main, and returns the event of that push."""
        before = self.head("main")
        self.git("checkout", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge #{pull.number}", pull.branch)
        self.git("push", "--quiet", "origin", "main")
        after = self.head("main")
        pulls = {after: [{"number": pull.number, "user": {"login": pull.author}}]}
        (self.state / "pulls.json").write_text(json.dumps(pulls))
        return {"before": before, "after": after}

    def comments(self, number: int = 7) -> list[dict[str, Any]]:
        """Of a pull request."""
        told = json.loads((self.state / "comments.json").read_text())
        return [each for each in told if each["issue"] == number]

    def say(self, login: str, body: str, number: int = 7) -> None:
        """A comment of somebody."""
        told = json.loads((self.state / "comments.json").read_text())
        told.append({"id": 100 + len(told), "user": {"login": login}, "body": body, "issue": number})
        (self.state / "comments.json").write_text(json.dumps(told))
