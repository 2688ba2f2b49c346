"""The example of what nobody lists is read as the page says."""

from __future__ import annotations

from docs.pages import marked

from reconciler.desired.load import load
from reconciler.kinds.registry import KINDS
from reconciler.secrets import Secrets

TARGETS = "targets: {main: {postgres: host=127.0.0.1}, cache: {redis: 'redis://127.0.0.1:1'}}\n"


def test_the_example_of_what_nobody_lists_is_understood(tmp_path):
    (tmp_path / "targets.yaml").write_text(TARGETS, encoding="utf-8")
    (tmp_path / "unlisted.yaml").write_text(marked("unlisted"), encoding="utf-8")
    found = load(tmp_path, KINDS, {}, Secrets({})).resources
    names = [str(each.address) for each in found]
    assert names == ["main/pg_index/*", "main/pg_setting/*", "cache/redis_user/unlisted users"]
