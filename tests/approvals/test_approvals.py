"""Approvals by signatures of SSH keys: what counts, and every tampering with the reason for which it does not."""

from __future__ import annotations

import os
import subprocess
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from approvals.people import NOW, People, copied, plan
from reconciler.approvals.folder import MOST, approve, expect_folder
from reconciler.approvals.signers import Revoked, expect_outside, read_revoked, read_signers
from reconciler.approvals.ssh_signature import NotASignature, read
from reconciler.documents import approval as document
from reconciler.errors import ApprovalError, DocumentError
from reconciler.model import Approval, HazardType
from reconciler.planning.policies import counted

DROP, RESTART = HazardType.INDEX_DROP, HazardType.RESTART
PLAN = plan(DROP)


@pytest.fixture
def people(tmp_path) -> People:
    found = People(tmp_path)
    found.saved(PLAN)
    return found


def counts(people: People, *, now: datetime = NOW, not_by=(), revoked: Revoked | None = None, of=PLAN) -> list[str]:
    return [each.approver.principal for each in counted(of, people.found(revoked), not_by, now).approvals]


def why(people: People, *, now: datetime = NOW, not_by=(), revoked: Revoked | None = None, of=PLAN) -> str:
    """Why the only approval does not count."""
    result = counted(of, people.found(revoked), not_by, now)
    assert result.approvals == ()
    [rejected] = result.rejected
    return f"{rejected.source} {rejected.why}"


def test_the_text_is_as_it_is_documented_and_reads_back(people):
    people.listed("alice")
    path = people.approve("alice", PLAN, DROP, comment="looked at with the DBA")
    text = path.read_text()
    assert text == (
        f"reconciler-approval 1\nplan sha256:{PLAN.digest}\ntarget main postgres:7519/app\nallow index-drop\n"
        "expires 2026-12-08T12:00:00Z\ncomment looked at with the DBA\n"
    )
    approval = document.load(text.encode(), source="x")
    assert document.dump(approval) == text
    assert counts(people) == ["alice"]


@pytest.mark.parametrize("name", ["with space", "ünïcode", "per%cent", "line\nbreak", "tab\t", "\x1b[31m", "a b/c:d"])
def test_a_target_of_any_name_takes_one_line(name):
    approval = Approval(plan="a" * 64, targets={name: f"postgres:{name}"}, expires=NOW)
    text = document.dump(approval)
    assert text.count("\n") == 4
    assert text.isascii()
    assert document.load(text.encode(), source="x") == approval


def test_two_people_count_twice_and_one_person_once(people):
    people.listed("alice", "bob", f"Alice {people.public('alice2')}")
    for name in ("alice", "bob", "alice2"):
        people.approve(name, PLAN)
    assert sorted(map(str.lower, counts(people))) == ["alice", "bob"]
    [rejected] = counted(PLAN, people.found(), (), NOW).rejected
    assert "one more by" in rejected.why


def test_an_approval_by_an_agent_or_another_type_of_key_counts(people):
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(people.folder / "carol")],
        check=True,
        capture_output=True,
    )
    people.listed("carol")
    people.approve("carol", PLAN)
    assert counts(people) == ["carol"]


# Whose approvals count ------------------------------------------------------------------------------------------------


SIGNERS = [
    ("alice {a}\nbob {a}\n", ":2: this is the key of line 1 once more"),
    ("alice {a}\nalice {a}\n", ":2: this is the key of line 1 once more"),
    ("alice,bob {a}\n", ":1: alice,bob are several names of one key"),
    ("*@example.com {a}\n", ":1: *@example.com is a pattern"),
    ("alic? {a}\n", ":1: alic? is a pattern"),
    ("!alice {a}\n", ":1: !alice is a pattern"),
    ('alice cert-authority {a}\n', ":1: an authority of certificates counts for everybody"),
    ('alice namespaces="approval@reconciler",cert-authority {a}\n', ":1: an authority of certificates"),
    ('alice CERT-AUTHORITY {a}\n', ":1: an authority of certificates"),
    ('alice namespaces="git" {a}\n', ':1: this key is for namespaces="git"'),
    ('alice namespaces="git,approval@reconciler" {a}\n', ':1: this key is for namespaces="git,approval@reconciler"'),
    ('alice namespaces="*" {a}\n', ':1: this key is for namespaces="*"'),
    ('alice no-touch-required {a}\n', ":1: the option no-touch-required is not known"),
    ('alice valid-before="soon" {a}\n', ":1: 'soon' is no moment"),
    ('alice valid-before="20261399" {a}\n', ":1: '20261399' is no moment"),
    ("alice\n", ":1: this line has no public key"),
    ("alice ssh-ed25519\n", ":1: ssh-ed25519 is neither a key nor options"),
    ("alice ssh-rsa {blob}\n", ":1: what stands behind alice is a key of the type ssh-ed25519, and is said to be"),
    ("alice ssh-ed25519 AAAA\n", ":1: what stands behind alice is"),
    ('"alice" {a}\n', ":1: \"alice\" is no name"),
    ("-alice {a}\n", ":1: -alice is no name"),
    ("аlice {a}\n", ":1: this line holds a sign beyond ASCII"),
    ("alice {a}\n\x00\n", ":2: "),
    ("", ": nobody is listed"),
    ("# alice {a}\n", ": nobody is listed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), SIGNERS)
def test_a_file_of_signers_that_says_more_than_who_has_which_key_is_refused(people, text, says):
    a = people.public("alice")
    people.signers.write_text(text.format(a=a, blob=a.split()[1]))
    with pytest.raises(ApprovalError) as error:
        read_signers(people.signers)
    assert error.value.message.startswith(str(people.signers))
    assert says in error.value.message
    assert error.value.hint


def test_a_certificate_is_no_key(people):
    people.key("ca")
    made = (
        "ssh-keygen",
        "-q",
        "-s",
        str(people.key("ca")),
        "-I",
        "x",
        "-n",
        "alice",
        str(people.key("alice")) + ".pub",
    )
    subprocess.run(made, check=True, capture_output=True)
    cert = " ".join((people.folder / "alice-cert.pub").read_text().split()[:2])
    people.signers.write_text(f"alice {cert}\n")
    with pytest.raises(ApprovalError, match="plain keys count, and no certificates"):
        read_signers(people.signers)


def test_comments_options_and_windows_line_ends_are_read(people):
    text = (
        "# who\r\n\r\n"
        f'alice@example.com namespaces="approval@reconciler",valid-after="20260101",valid-before="20270101120000Z" '
        f"{people.public('alice')} Alice's laptop\r\n"
        f"bob {people.public('bob')}\r\n"
    )
    people.signers.write_bytes(text.encode())
    alice, bob = read_signers(people.signers).values()
    assert (alice.principal, alice.since, alice.before) == (
        "alice@example.com", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    assert (bob.principal, bob.since, bob.before) == ("bob", None, None)


def test_signers_inside_of_what_is_reviewed_are_refused_through_links_as_well(people, tmp_path):
    inside = people.reviewed / "signers"
    inside.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(inside)
    to_outside = people.reviewed / "outside"
    to_outside.symlink_to(people.signers)
    for path in (inside, link, to_outside, people.reviewed / ".." / "reviewed" / "signers"):
        with pytest.raises(ApprovalError, match="where what is reviewed lies"):
            expect_outside(path, (people.reviewed,))
    expect_outside(people.signers, (people.reviewed,))


def test_signers_inside_of_the_repository_of_what_is_reviewed_are_refused(people):
    (people.reviewed / ".git").mkdir()
    (people.reviewed / "desired").mkdir()
    with pytest.raises(ApprovalError, match="where what is reviewed lies"):
        expect_outside(people.reviewed / "trusted" / "signers", (people.reviewed / "desired",))


# Tampering ------------------------------------------------------------------------------------------------------------


def test_another_plan_is_not_approved(people):
    people.listed("alice")
    people.approve("alice", PLAN)
    other = people.saved(plan(DROP, why="something else"))
    assert other.digest != PLAN.digest
    assert f"approves another plan: sha256:{PLAN.digest}" in why(people, of=other)


def test_an_approval_that_is_copied_beside_another_plan_does_not_count(people, tmp_path):
    people.listed("alice")
    path = people.approve("alice", PLAN, DROP)
    people.plan_path = people.reviewed / "other.json"
    other = people.saved(plan(DROP, why="something else"))
    folder = document.folder_of(people.plan_path)
    folder.mkdir()
    copied(path, folder / path.name)
    assert "approves another plan" in why(people, of=other)


def edited(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


EDITS = [
    ("expires 2026-12-08", "expires 2027-12-08", "one of both was altered"),
    ("allow index-drop\n", "allow index-drop\nallow restart\n", "one of both was altered"),
    ("allow index-drop\n", "", "one of both was altered"),
    ("7519/app", "7519/prod", "one of both was altered"),
    ("allow index-drop\n", "allow index-drop\nallow index-drop\n", "not spelled as an approval is"),
    ("allow index-drop\n", "allow restart\nallow index-drop\n", "not spelled as an approval is"),
    ("allow index-drop", "allow everything", "a hazard that nobody knows"),
    ("expires 2026-12-08T12:00:00Z", "expires 2026-12-08T12:00:00+01:00", "a line that no approval has"),
    ("expires 2026-12-08T12:00:00Z", "expires 2026-13-08T12:00:00Z", "a day that there is none of"),
    ("reconciler-approval 1\n", "reconciler-approval 2\n", "its first line is not"),
    ("reconciler-approval 1\n", "\nreconciler-approval 1\n", "its first line is not"),
    ("target main", "targets main", "a line that no approval has"),
    ("target main", "target  main", "a line that no approval has"),
    ("target main", "target m%61in", "not spelled as an approval is"),
    ("12:00:00Z\n", "12:00:00Z\n\n", "a line that no approval has"),
    ("12:00:00Z\n", "12:00:00Z", "a line that no approval has"),
    ("12:00:00Z\n", "12:00:00Z\ncomment a\ncomment b\n", "a line that no approval has"),
    ("12:00:00Z\n", "12:00:00Z\ncomment \x1b[2Jhidden\n", "not spelled as an approval is"),
    ("12:00:00Z\n", "12:00:00Z\ncomment \u202ereversed\n", "not spelled as an approval is"),
    ("\n", "\r\n", "a carriage return"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "says"), EDITS)
def test_a_text_that_was_edited_does_not_count(people, before, after, says):
    people.listed("alice")
    path = people.approve("alice", PLAN, DROP)
    assert path.read_text() == _text(PLAN)
    path.write_bytes(_text(PLAN).replace(before, after).encode())
    assert says in why(people)


def _text(made) -> str:
    approval = Approval(
        plan=made.digest, targets=document.targets_of(made), allow=(DROP,), expires=NOW.replace(day=8)
    )  # fmt: skip
    return document.dump(approval)


def test_a_text_that_was_forged_whole_does_not_count(people):
    """As the attacker would write it: a text that is right, under the name of a key that counts."""
    people.listed("alice")
    path = people.approve("alice", PLAN)
    path.write_text(_text(PLAN))
    assert "one of both was altered" in why(people)


def test_a_signature_that_was_edited_does_not_count(people):
    people.listed("alice")
    sig = people.approve("alice", PLAN).with_suffix(".sig")
    begin, *lines, end = sig.read_text().splitlines()
    blob = bytearray(b64decode("".join(lines)))
    blob[-1] ^= 1
    sig.write_text("\n".join([begin, b64encode(blob).decode(), end, ""]))
    assert "one of both was altered" in why(people)


SIGNATURES = [
    (b"", "is no signature of ssh-keygen"),
    (b"hello", "is no signature of ssh-keygen"),
    (b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", "is no signature of ssh-keygen"),
    (b"-----BEGIN SSH SIGNATURE-----\n%%%\n-----END SSH SIGNATURE-----\n", "is no signature of ssh-keygen"),
    (b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8=\n-----END SSH SIGNATURE-----\n", "cut short"),
    (b"x" * 20_000, "is larger than"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "says"), SIGNATURES)
def test_what_is_no_signature_does_not_count(people, data, says):
    people.listed("alice")
    people.approve("alice", PLAN).with_suffix(".sig").write_bytes(data)
    assert says in why(people)


def test_a_signature_with_carriage_returns_says_so(people):
    people.listed("alice")
    sig = people.approve("alice", PLAN).with_suffix(".sig")
    sig.write_bytes(sig.read_bytes().replace(b"\n", b"\r\n"))
    assert "carriage return" in why(people)


def test_a_signature_for_something_else_does_not_count(people):
    people.listed("alice")
    path = people.approve("alice", PLAN)
    made = ("ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(people.key("alice")))
    done = subprocess.run(made, input=path.read_bytes(), check=True, capture_output=True)
    path.with_suffix(".sig").write_bytes(done.stdout)
    assert "was signed for 'git'" in why(people)


def test_a_key_that_nobody_lists_does_not_count(people):
    people.listed("alice")
    people.approve("mallory", PLAN)
    assert "not among the allowed signers" in why(people)


def test_an_approval_under_the_name_of_another_key_does_not_count(people):
    people.listed("alice", "bob")
    path = people.approve("alice", PLAN)
    other = path.with_name(f"SHA256-{'A' * 43}.txt")
    copied(path, other)
    path.unlink()
    path.with_suffix(".sig").unlink()
    assert "is called after another key" in why(people)


def test_a_text_without_a_signature_and_the_reverse_do_not_count(people):
    people.listed("alice")
    path = people.approve("alice", PLAN)
    sig = path.with_suffix(".sig").read_bytes()
    path.with_suffix(".sig").unlink()
    assert f"has no {path.stem}.sig" in why(people)
    path.unlink()
    path.with_suffix(".sig").write_bytes(sig)
    assert f"has no {path.name}" in why(people)


def test_an_expired_approval_does_not_count_from_the_second_on(people):
    people.listed("alice")
    expires = NOW + timedelta(hours=1)
    people.approve("alice", PLAN, expires=expires)
    assert counts(people, now=expires - timedelta(seconds=1)) == ["alice"]
    assert "has expired: it was valid until 2026-12-01 13:00:00 UTC" in why(people, now=expires)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_the_validity_of_a_key_is_of_the_moment_of_the_apply_and_in_utc(people, zone, monkeypatch):
    """OpenSSH takes a moment without Z by the clock of the machine's zone, and asks its own clock."""
    monkeypatch.setenv("TZ", zone)
    people.listed(f'alice valid-after="20261201",valid-before="20261202" {people.public("alice")}')
    people.approve("alice", PLAN, expires=NOW.replace(day=20))
    start, end = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    assert counts(people, now=start) == ["alice"]
    assert counts(people, now=end - timedelta(seconds=1)) == ["alice"]
    assert "a key of alice that counts from 2026-12-01" in why(people, now=start - timedelta(seconds=1))
    assert "a key of alice that counted until 2026-12-02" in why(people, now=end)


@pytest.mark.parametrize("krl", [True, False])
def test_a_revoked_key_does_not_count_any_more(people, krl):
    people.listed("alice", "bob")
    people.approve("alice", PLAN)
    public = people.key("alice").with_suffix(".pub")
    path = people.folder / "revoked"
    if krl:
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(path), str(public)], check=True, capture_output=True)
    else:
        path.write_text(f"# left\n{public.read_text()}")
    assert "is revoked" in why(people, revoked=read_revoked(path))
    people.approve("bob", PLAN)
    assert counts(people, revoked=read_revoked(path)) == ["bob"]


@pytest.mark.parametrize(
    "data", [b"garbage\n", b"SSHKRL\n\0broken", b"ssh-ed25519\n", b'from="x" ssh-ed25519 AAAA\n', b"\xff"]
)
def test_what_is_no_list_of_revoked_keys_is_an_error_and_revokes_nobody_unseen(people, data):
    path = people.folder / "revoked"
    path.write_bytes(data)
    with pytest.raises(ApprovalError):
        read_revoked(path)
    with pytest.raises(ApprovalError, match="no such list of revoked keys"):
        read_revoked(people.folder / "gone")


def test_authors_are_excluded_whatever_case_their_name_is_written_in(people):
    people.listed("alice", "bob")
    people.approve("alice", PLAN)
    assert "whom --not-by excludes" in why(people, not_by=["ALICE"])
    assert counts(people, not_by=["bob"]) == ["alice"]


# The folder -----------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_a_link_is_refused(people, tmp_path):
    people.listed("alice")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    document.folder_of(people.plan_path).symlink_to(elsewhere)
    with pytest.raises(ApprovalError, match="is not a folder but a link"):
        people.found()
    with pytest.raises(ApprovalError, match="is not a folder but a link"):
        people.approve("alice", PLAN)
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(people):
    folder = document.folder_of(people.plan_path)
    folder.write_text("x")
    with pytest.raises(ApprovalError, match="is not a folder"):
        expect_folder(folder)


def test_links_and_pipes_in_the_folder_do_not_count_and_hang_nobody(people, tmp_path):
    people.listed("alice")
    path = people.approve("alice", PLAN)
    kept = tmp_path / "kept.txt"
    kept.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(kept)
    assert "has a link in it" in why(people)
    path.unlink()
    os.mkfifo(path)
    assert "is not a regular file" in why(people)
    path.unlink()
    path.mkdir()
    assert "cannot be read: Is a directory" in why(people)


@pytest.mark.parametrize(
    "name", ["..txt", "SHA256-x.txt", "SHA256-" + "a" * 43 + ".pub", "-oProxyCommand=x.txt", "a b", "ü\n"]
)
def test_files_of_other_names_do_not_count_and_are_told(people, name):
    people.listed("alice")
    folder = document.folder_of(people.plan_path)
    folder.mkdir()
    (folder / name).write_text("x")
    assert "is not called as an approval is" in why(people)


def test_thousands_of_files_are_not_read(people):
    people.listed("alice")
    people.approve("alice", PLAN)
    folder = document.folder_of(people.plan_path)
    for number in range(MOST):
        (folder / f"{number}").touch()
    with pytest.raises(ApprovalError, match=f"holds more than {MOST} files"):
        people.found()


def test_a_huge_text_is_not_read(people):
    people.listed("alice")
    path = people.approve("alice", PLAN)
    os.truncate(path, 1 << 40)
    assert "is larger than 4 MB" in why(people)


def test_signatures_of_strangers_start_no_program(people, monkeypatch):
    """A thousand of them would take a minute."""
    people.listed("alice")
    people.approve("mallory", PLAN)
    monkeypatch.setenv("PATH", "")
    assert "not among the allowed signers" in why(people)


def test_without_ssh_keygen_the_error_names_its_package(people, monkeypatch):
    people.listed("alice")
    people.approve("alice", PLAN)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ApprovalError) as error:
        people.found()
    assert "openssh-client" in error.value.hint
    with pytest.raises(ApprovalError, match="not installed"):
        people.approve("alice", PLAN)


@pytest.mark.parametrize("name", ["-oProxyCommand=touch x", "-Y", "a key", "$(touch x)"])
def test_a_key_of_any_name_is_no_option(people, name, monkeypatch):
    monkeypatch.chdir(people.folder)
    (people.folder / name).write_bytes(people.key("alice").read_bytes())
    (people.folder / name).chmod(0o600)
    people.listed("alice")
    approval = Approval(plan=PLAN.digest, targets=document.targets_of(PLAN), expires=NOW.replace(day=8))
    approve(people.plan_path, approval, Path(name))
    assert counts(people) == ["alice"]
    assert not (people.folder / "x").exists()


def test_a_key_that_is_not_there_or_needs_what_nobody_types_is_an_error(people):
    approval = Approval(plan=PLAN.digest, targets={}, expires=NOW)
    with pytest.raises(ApprovalError, match="the key cannot be read"):
        approve(people.plan_path, approval, people.folder / "none")


def test_what_a_signature_says_of_itself_is_read(people):
    people.listed("alice")
    found = read(people.approve("alice", PLAN).with_suffix(".sig").read_bytes())
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(people.key("alice"))], check=True, capture_output=True, text=True
    ).stdout
    assert found.key.fingerprint == listed.split()[1]
    assert found.namespace == "approval@reconciler"
    with pytest.raises(NotASignature):
        read(b"")


@pytest.mark.parametrize("comment", [" x", "a\nb", "\x1b[31m", "x" * 501, "\u202e"])
def test_a_comment_is_one_line_that_can_be_seen(comment):
    with pytest.raises(DocumentError):
        document.expect_comment(comment)
