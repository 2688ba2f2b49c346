"""A secret that the YAML names by its file is refused where it is copied into what everybody reads.

Before, only secrets of variables and URLs were known: `{file: …}` was read when it was needed, and what stood beside it
in clear went into plans, comments and servers.
"""

from __future__ import annotations

import pytest

PASSWORD = "Mixed-Case-Passw0rd"
NAMED = "targets: {cache: {redis: 'redis://127.0.0.1:1'}}\ntarget: cache\n"

COPIES = [
    ("settings: {requirepass: {file: %s}, proc-title-template: 'x %s'}\n", "a setting that everybody may read"),
    ("settings: {requirepass: {file: %s}}\nusers: {app: {rules: 'on ~%s +get'}}\n", "a pattern of keys"),
    ("users: {app: {rules: 'on +get', password: {file: %s}, why: 'it is %s'}}\n", "a reason"),
    ("users: {app: {rules: 'on', password: {file: %s}}}\nsettings: {replica-announce-ip: '%s'}\n", "another section"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), COPIES, ids=[case[1] for case in COPIES])
def test_a_literal_copy_of_a_secret_in_a_file_is_refused(text, reason, checkout):
    checkout.write({"secret": f"{PASSWORD}\n", "desired/x.yaml": NAMED + text % ("secret", PASSWORD)})
    done = checkout.run("validate")
    assert done.code == 1, done.shown
    assert PASSWORD not in done.shown
    checkout.write({"desired/x.yaml": NAMED + text % ("secret", "else")})
    assert checkout.run("validate").code == 0


def test_a_file_that_is_not_there_is_missed_by_whoever_needs_it_and_by_nobody_before(checkout):
    checkout.write({"desired/x.yaml": f"{NAMED}settings: {{requirepass: {{file: nowhere}}}}\n"})
    assert checkout.run("validate").code == 0


def test_what_a_limited_author_may_not_reach_is_not_read(checkout):
    """Else whether his guess is refused would tell him what stands in a file outside."""
    checkout.write({"desired/x.yaml": NAMED + COPIES[0][0] % (checkout.outside / "secret", PASSWORD)})
    (checkout.outside / "secret").write_text(PASSWORD)
    assert checkout.run("--hosts", "127.0.0.1", "validate").code == 0
