"""What the author of a pull request reaches by its YAML alone: secrets, files, hosts, time.

Each was seen to succeed, to hang, or to have no option against it, on the code before the limits were there. Kept here,
though it held already: redirects, a header that comes back, a device or a large file in a check, a device as a
document, a target's name that is a password.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NamedTuple

import pytest

from attacks.repository import SECRET, Application, Checkout, Done, Stranger

PASSWORD = "planted:p@ss/w0rd"
ENCODED = "planted%3Ap%40ss%2Fw0rd"
ENV = {
    "DATABASE_URL": f"postgresql://app:{ENCODED}@127.0.0.1:1/app",
    "DATABASE_PASSWORD": PASSWORD,
    "ALSO_THE_PASSWORD": PASSWORD,
    "OTHER_URL": "postgresql://app:another-passw0rd@127.0.0.1:1/app",
    "VERIFIED_URL": f"postgresql://app:{ENCODED}@127.0.0.1:1/app?sslmode=verify-full",
    "RUNNERS_TOKEN": SECRET,
    "SHORT": "app",
    "SHORT_URL": "postgresql://app:app@127.0.0.1:1/app",
}
TARGETS = 'targets:\n  main: {postgres: "${DATABASE_URL}"}\n  cache: {redis: "redis://127.0.0.1:1/0"}\n'
ITEM = "checklist:\n  - {{id: i, title: t, check: {}}}\n"


class Leak(NamedTuple):
    """A YAML that would show a password of the runner; `at` is where it is refused."""

    name: str
    yaml: str
    at: str
    reason: str


def index(key: str, value: str) -> str:
    return f"target: main\ntables:\n  public.t:\n    indexes:\n      i: {{columns: [a], {key}: {value}}}\n"


LEAKS = [
    Leak("comment", index("comment", '"${DATABASE_URL}"'), "x.yaml:5:34", "the plan shows it, and the server keeps it"),
    Leak("why", index("why", '"see ${DATABASE_URL}"'), "x.yaml:5:30", "the pull request's comment shows it"),
    Leak("password", index("why", '"${DATABASE_PASSWORD}"'), "x.yaml:5:30", "a variable that is the password itself"),
    Leak("twin", index("why", '"${ALSO_THE_PASSWORD}"'), "x.yaml:5:30", "another variable of the same value"),
    Leak("other url", index("why", '"${OTHER_URL}"'), "x.yaml:5:30", "a password in the URL of no target"),
    Leak("literal", index("why", f'"it is {PASSWORD}"'), "x.yaml:5:30", "written down by whoever knows it"),
    Leak("encoded", index("why", f'"it is {ENCODED}"'), "x.yaml:5:30", "as it stands in the URL"),
    Leak("lower", index("why", f'"it is {ENCODED.lower()}"'), "x.yaml:5:30", "in the other spelling of %3A"),
    Leak("twice", index("why", f'"{ENCODED.replace("%", "%25")}"'), "x.yaml:5:30", "encoded twice"),
    Leak("where", index("where", "\"a = '${DATABASE_URL}'\""), "x.yaml:5:32", "an expression, which the server keeps"),
    Leak("name", index("why", "x").replace("i:", f'"{PASSWORD}":', 1), "x.yaml:5:7", "the name of an index"),
    Leak(
        "setting",
        'target: main\nsettings:\n  cluster_name: "${DATABASE_PASSWORD}"\n',
        "x.yaml:3:17",
        "a setting that every role may read",
    ),
    Leak(
        "redis setting",
        'target: cache\nsettings:\n  proc-title-template: "${DATABASE_URL}"\n',
        "x.yaml:3:24",
        "the process list shows it",
    ),
    Leak(
        "rules",
        'target: cache\nusers:\n  app: {rules: "on ~${DATABASE_PASSWORD} +@all"}\n',
        "x.yaml:3:16",
        "a pattern of keys",
    ),
    Leak(
        "sql",
        "target: main\n" + ITEM.format('{sql: "select \'${DATABASE_URL}\'", equals: x}'),
        "x.yaml:3:36",
        "a statement, whose answer the result quotes",
    ),
    Leak("target", 'target: "${DATABASE_URL}"\nsettings: {work_mem: 4MB}\n', "x.yaml:1:9", "unknown target: …"),
    Leak(
        "restart",
        'targets: {two: {postgres: "host=127.0.0.1", restart: "curl http://127.0.0.1:1/${DATABASE_URL}"}}\n',
        "x.yaml:1:54",
        "a command, which the plan shows",
    ),
    Leak(
        "database",
        'targets: {two: {postgres: "postgresql://127.0.0.1/${DATABASE_PASSWORD}"}}\n',
        "x.yaml:1:27",
        "the name of a database, which the plan shows",
    ),
]  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS, ids=[leak.name for leak in LEAKS])
def test_a_known_password_is_refused_where_it_stands(checkout: Checkout, leak: Leak):
    secret_too = 'target: cache\nusers: {u: {rules: "on", password: {env: DATABASE_PASSWORD}}}\n'
    checkout.write({"desired/targets.yaml": TARGETS, "desired/s.yaml": secret_too, "desired/x.yaml": leak.yaml})
    done = checkout.run("validate", env=ENV)
    assert done.code == 1, leak.reason
    assert f"desired/{leak.at}: " in done.err, leak.reason
    for spelled in (PASSWORD, ENCODED, "another-passw0rd"):
        assert spelled not in done.shown


def test_a_password_that_is_a_name_refuses_no_table_of_that_name(checkout: Checkout):
    checkout.write({
        "desired/targets.yaml": 'targets:\n  main: {postgres: "${SHORT_URL}"}\n',
        "desired/x.yaml": index("why", '"app, as ${NAME}"').replace("public.t", "app.app"),
    })  # fmt: skip
    assert checkout.run("validate", env={**ENV, "NAME": "app"}).code == 0
    checkout.write({"desired/x.yaml": index("why", '"${SHORT_URL}"')})
    assert "desired/x.yaml:5:30: " in checkout.run("validate", env=ENV).err


class Limited(NamedTuple):
    """What a document under desired/ tries, the options that speak against it, and what is said."""

    name: str
    options: list[str]
    yaml: str
    said: str
    reason: str


URL_ONLY = ["--variables", "DATABASE_URL:url,VERIFIED_URL:url,DATABASE_PASSWORD:secret"]


def header(value: str) -> str:
    check = f"{{http: {{path: /, headers: {{Authorization: {value}}}}}}}"
    return "targets: {app: {http: 'http://127.0.0.1:1'}}\n---\ntarget: app\n" + ITEM.format(check)


LIMITED = [
    Limited("any variable", URL_ONLY, index("why", '"${RUNNERS_TOKEN}"'),
            "x.yaml:5:30: the variable RUNNERS_TOKEN may not be used here", "one that nobody has listed"),
    Limited("with a default", URL_ONLY, index("why", '"${RUNNERS_TOKEN:-}"'),
            "x.yaml:5:30: the variable RUNNERS_TOKEN may not be used here", "a default makes it no other variable"),
    Limited("none at all", ["--variables", ""], index("why", '"${RUNNERS_TOKEN}"'),
            "x.yaml:5:30: the variable RUNNERS_TOKEN may not be used here", "an empty list allows none"),
    Limited("url in a setting", URL_ONLY, 'target: main\nsettings:\n  cluster_name: "${DATABASE_URL}"\n',
            "x.yaml:3:17: the variable DATABASE_URL may not be used here", "NAME:url is for URLs"),
    Limited("url in a header", URL_ONLY, header('"${DATABASE_URL}"'),
            "x.yaml:5:72: the variable DATABASE_URL may not be used here", "NAME:url is for no header"),
    Limited("url as a secret", URL_ONLY, header("{env: DATABASE_URL}"),
            "x.yaml:5:72: the variable DATABASE_URL may not be used for a secret", "nor by reference"),
    Limited("url as a password", URL_ONLY, "target: cache\nusers: {u: {rules: 'on', password: {env: DATABASE_URL}}}\n",
            "x.yaml:2:36: the variable DATABASE_URL may not be used for a secret", "nor as a password"),
    Limited("secret in a url", URL_ONLY, 'targets: {two: {redis: "redis://:${DATABASE_PASSWORD}@127.0.0.1:1"}}\n',
            "x.yaml:1:24: the variable DATABASE_PASSWORD may not be used in a URL", "NAME:secret is for no URL"),
    Limited("token as a secret", URL_ONLY, header("{env: RUNNERS_TOKEN}"),
            "x.yaml:5:72: the variable RUNNERS_TOKEN may not be used for a secret", "one that nobody has listed"),
    Limited("a target", ["--targets", "../outside/t.yaml"], 'targets: {two: {redis: "redis://127.0.0.1:1"}}\n',
            "x.yaml:1:1: targets are declared in ../outside/t.yaml alone", "a target of the author's own"),
    Limited("the same target", ["--targets", "../outside/t.yaml"], TARGETS,
            "x.yaml:1:1: targets are declared in ../outside/t.yaml alone", "another URL for one that there is"),
    Limited("variables of targets", ["--targets", "../outside/t.yaml"], index("why", '"${RUNNERS_TOKEN}"'),
            "x.yaml:5:30: the variable RUNNERS_TOKEN may not be used here", "variables are for the file of targets"),
    Limited("restart", ["--hosts", "127.0.0.1"], 'targets: {two: {postgres: "host=127.0.0.1", restart: "touch /x"}}\n',
            "x.yaml:1:54: a command that restarts a server runs here", "a program on the runner"),
    Limited("standby's restart", ["--hosts", "127.0.0.1"],
            'targets: {two: {postgres: "host=127.0.0.1", standbys: {b: {postgres: "host=127.0.0.1", restart: "x"}}}}\n',
            "x.yaml:1:97: a command that restarts a server runs here", "the same of a standby"),
    Limited("role", ["--hosts", "127.0.0.1"], 'targets: {two: {postgres: "host=127.0.0.1", role: admin}}\n',
            "x.yaml:1:51: which role a session takes on has not been left", "more than who logs in may by itself"),
    Limited("options", URL_ONLY, 'targets: {two: {postgres: "${DATABASE_URL}?options=-c%20role%3Dx"}}\n',
            "x.yaml:1:27: the URL has the option options", "settings of the session"),
    Limited("service", URL_ONLY, 'targets: {two: {postgres: "service=x"}}\n',
            "x.yaml:1:27: the URL has the option service", "a file that names the host"),
    Limited("encoded option", URL_ONLY, 'targets: {two: {postgres: "postgresql://127.0.0.1/x?%70assfile=/etc/passwd"}}\n',
            "x.yaml:1:27: the URL has the option passfile", "percent-encoded"),
    Limited("no TLS", URL_ONLY, 'targets: {two: {postgres: "${DATABASE_URL}?sslmode=disable"}}\n',
            "x.yaml:1:27: the URL asks for less protection", "the password crosses the network where it can be read"),
    Limited("no TLS, encoded", URL_ONLY, 'targets: {two: {postgres: "${DATABASE_URL}?s%73lmode=%61llow"}}\n',
            "x.yaml:1:27: the URL asks for less protection", "percent-encoded"),
    Limited("no TLS, in words", URL_ONLY, 'targets: {two: {postgres: "host=127.0.0.1 sslmode=dis\\\\able"}}\n',
            "x.yaml:1:27: the URL asks for less protection", "the other form of a connection string"),
    Limited("a certificate of anybody", URL_ONLY, 'targets: {two: {postgres: "${VERIFIED_URL}&sslmode=require"}}\n',
            "x.yaml:1:27: the URL asks for less protection", "of two the last one counts"),
    Limited("no binding", URL_ONLY, 'targets: {two: {postgres: "${DATABASE_URL}?channel_binding=disable"}}\n',
            "x.yaml:1:27: the URL asks for less protection", "whoever is in between may log in"),
    Limited("old TLS", URL_ONLY, 'targets: {two: {postgres: "${DATABASE_URL}?ssl_min_protocol_version=TLSv1"}}\n',
            "x.yaml:1:27: the URL asks for less protection", "what is broken is spoken"),
    Limited("own authority", URL_ONLY, 'targets: {two: {postgres: "${DATABASE_URL}?sslrootcert=system"}}\n',
            "x.yaml:1:27: the URL has the option sslrootcert", "a file, or other authorities"),
    Limited("no TLS for checks", URL_ONLY,
            'targets: {two: {postgres: "${DATABASE_URL}", checks_as: "${DATABASE_URL}?sslmode=allow"}}\n',
            "x.yaml:1:57: the URL asks for less protection", "another URL of a target"),
    Limited("any certificate of Redis", URL_ONLY, 'targets: {two: {redis: "rediss://127.0.0.1:1?ssl_cert_reqs=none"}}\n',
            "x.yaml:1:24: the URL asks for less protection", "whoever answers is believed"),
    Limited("any host of Redis", URL_ONLY, 'targets: {two: {redis: "rediss://127.0.0.1:1?ssl_check_hostname=False"}}\n',
            "x.yaml:1:24: the URL asks for less protection", "whoever has any certificate is believed"),
    Limited("key file", URL_ONLY, 'targets: {two: {redis: "rediss://127.0.0.1:1?ssl_keyfile=/etc/passwd"}}\n',
            "x.yaml:1:24: the URL has the option ssl_keyfile", "a file that the driver of Redis opens"),
]  # fmt: skip


@pytest.mark.parametrize("limited", LIMITED, ids=[each.name for each in LIMITED])
def test_what_the_runner_has_not_left_to_the_yaml_is_refused(checkout: Checkout, limited: Limited):
    (checkout.outside / "t.yaml").write_text(TARGETS)
    files = {"desired/x.yaml": limited.yaml}
    if "--targets" not in limited.options:
        files["desired/targets.yaml"] = TARGETS
    checkout.write(files)
    done = checkout.run(*limited.options, "validate", env=ENV)
    assert done.code == 1, limited.reason
    assert f"desired/{limited.said}" in done.err, limited.reason
    # The same by environment variables.
    names = [f"RECONCILER_{flag[2:].replace('-', '_').upper()}" for flag in limited.options[::2]]
    by_env = checkout.run("validate", env={**ENV, **dict(zip(names, limited.options[1::2], strict=True))})
    assert by_env == done
    assert SECRET not in done.shown
    assert PASSWORD not in done.shown


@pytest.mark.parametrize(
    ("url", "env", "is_taken"),
    [
        ("${DATABASE_URL}?sslmode=require", {}, True),
        ("${DATABASE_URL}?sslmode=require", {"PGSSLMODE": "verify-full"}, False),
        ("${DATABASE_URL}?sslmode=verify-full&channel_binding=require", {"PGSSLMODE": "require"}, True),
        ("${VERIFIED_URL}&sslmode=verify-full", {}, True),
        ("${VERIFIED_URL}&application_name=x", {}, True),
        ("${WITHOUT}", {}, True),
        ("${DATABASE_URL}?gssencmode=disable", {}, True),
    ],
)
def test_a_url_may_ask_for_as_much_protection_as_the_runner_or_more(checkout: Checkout, url, env, is_taken):
    checkout.write({"desired/x.yaml": f'targets: {{two: {{postgres: "{url}"}}}}\n'})
    env = {**ENV, "WITHOUT": "postgresql://127.0.0.1:1/app?sslmode=disable", **env}
    done = checkout.run("--variables", "DATABASE_URL:url,VERIFIED_URL:url,WITHOUT:url", "validate", env=env)
    assert (done.code == 0) is is_taken, done.shown


def test_what_is_left_to_the_yaml_goes_on_working(checkout: Checkout):
    (checkout.outside / "t.yaml").write_text(TARGETS.replace("}\n", ", restart: systemctl restart x}\n", 1))
    checkout.write({
        "desired/x.yaml": index("why", '"${TEAM}"'),
        "desired/y.yaml": 'target: cache\nusers: {u: {rules: "on", password: {env: DATABASE_PASSWORD}}}\n',
    })  # fmt: skip
    limits = ["--targets", "../outside/t.yaml", "--variables", "TEAM,DATABASE_PASSWORD:secret", "--hosts", "127.0.0.1"]
    done = checkout.run(*limits, "validate", env={**ENV, "TEAM": "search"})
    assert done == Done(0, "Valid: targets main, cache; 1 pg_index, 1 redis_user.\n", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--variables", "A:header"], "--variables: 'A:header': a variable is for"),
        (["--variables", "A B"], "--variables: 'A B' is not the name of a variable"),
        (["--hosts", "http://x"], "--hosts: expected a host, and no URL"),
        (["--hosts", "10.0.0.1/8"], "--hosts: 10.0.0.1/8 has host bits set"),
        (["--hosts", "*.internal"], "--hosts: patterns are not known here"),
        (["--hosts", "db:port"], "--hosts: 'port' is not a port"),
        (["--without", "http,shell"], "--without: 'shell' is none of http, sql, file"),
        (["--targets", "nowhere.yaml"], "--targets: there is no file 'nowhere.yaml'"),
        (["--files-below", "nowhere"], "--files-below: there is no folder 'nowhere'"),
    ],
)
def test_a_limit_that_cannot_be_read_is_an_error_and_no_other_limit(checkout: Checkout, options: list[str], said: str):
    checkout.write({"desired/targets.yaml": TARGETS})
    done = checkout.run(*options, "validate", env=ENV)
    assert done.code == 1
    assert said in done.err


@pytest.mark.parametrize("name", ["TARGETS", "FILES_BELOW"])
def test_a_limit_that_a_pipeline_left_empty_is_not_overlooked(checkout: Checkout, name: str):
    checkout.write({"desired/targets.yaml": TARGETS})
    assert checkout.run("validate", env={**ENV, f"RECONCILER_{name}": ""}).code == 1


def test_an_empty_list_of_hosts_allows_none(checkout: Checkout, application: Application):
    checkout.write({"desired/targets.yaml": "targets: {app: {http: '" + application.url + "'}}\n"
                    "---\ntarget: app\n" + ITEM.format("{http: {path: /}}")})  # fmt: skip
    assert "[ERROR]" in checkout.run("check", env={"RECONCILER_HOSTS": ""}).out.upper() or not application.seen
    assert application.seen == []


# Files


class Place(NamedTuple):
    """A path in a `file` check, and what makes it lead there. `problem`: what is said, and never what is in it."""

    name: str
    path: str
    make: str
    problem: str
    reason: str


PLACES = [
    Place("climbs", "../../outside/secret", "", "is not below", "`..`"),
    Place("link", "link", "../../outside/secret", "is not below", "a symbolic link out of the repository"),
    Place("linked folder", "link/secret", "../../outside", "is not below", "a link to a folder"),
    Place("environment", "../../../../../../../../proc/self/environ", "", "is not", "the runner's variables"),
    Place("link to it", "link", "/proc/self/environ", "is not", "the same by a link"),
    Place("token", "../.git/config", "", "is inside of .git", "the token that the checkout was made with"),
    Place("pipe", "pipe", "fifo", "is not a regular file", "nobody ever writes to it"),
    Place("socket", "socket", "socket", "cannot be read", "nothing to be opened"),
    Place("device", "link", "/dev/zero", "is not", "it has no end"),
    Place("large", "large", "large", "is larger than 1 MB", "a sparse file of 1 TB"),
]


@pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
def test_a_file_check_reads_regular_files_of_the_repository(checkout: Checkout, place: Place):
    made = checkout.desired / place.path.split("/")[0]
    if place.make == "fifo":
        os.mkfifo(made)
    elif place.make == "socket":
        listening = socket.socket(socket.AF_UNIX)
        os.chdir(checkout.desired)  # a path of a socket is short
        listening.bind("socket")
    elif place.make == "large":
        with made.open("wb") as file:
            file.truncate(1 << 40)
    elif place.make:
        made.symlink_to(place.make)
    check = ITEM.format(f"{{file: {{path: {place.path}, matches: 's3cret'}}}}")
    checkout.write({"desired/x.yaml": "targets: {app: {http: ''}}\n---\ntarget: app\n" + check})
    done = checkout.run("check", "--format", "json", env={"A_VARIABLE": SECRET})
    assert done.code == 2, place.reason
    assert '"status": "error"' in done.out, place.reason
    assert place.problem in done.out, place.reason


def test_a_file_check_goes_on_reading_the_repository_by_links_and_dots(checkout: Checkout):
    (checkout.desired / "link").symlink_to("../package.json")
    checks = [f"{{file: {{path: {path}, json: /dependencies/pg}}}}" for path in ("../package.json", "link")]
    items = "".join(f"  - {{id: i{n}, title: t, check: {check}}}\n" for n, check in enumerate(checks))
    checkout.write({"desired/x.yaml": f"targets: {{app: {{http: ''}}}}\n---\ntarget: app\nchecklist:\n{items}"})
    assert checkout.run("check").code == 0
    assert checkout.run("--files-below", "desired", "check").code == 2  # the runner may want less


SECRET_FILES = [
    ("pipe", "fifo", "it is not a regular file", "it would wait for ever"),
    ("device", "/dev/zero", "it is not a regular file", "it would take all memory"),
    ("environment", "/proc/self/environ", "it is not a regular file", "all variables at once"),
    ("large", "large", "it is larger than 1 MB", "no secret is"),
    ("elsewhere", "secret", "it is not below", "with --files-below, one outside of it"),
]


@pytest.mark.parametrize(("name", "make", "said", "reason"), SECRET_FILES, ids=[each[0] for each in SECRET_FILES])
def test_the_file_of_a_secret_is_regular_and_small(
    checkout: Checkout, application: Application, name: str, make: str, said: str, reason: str
):
    path = checkout.outside / name
    if make == "fifo":
        os.mkfifo(path)
    elif make in ("large", "secret"):
        path.write_bytes(b"x" * ((1 << 20) + 1 if make == "large" else 10))
    else:
        path.symlink_to(make)
    checkout.write({
        "desired/x.yaml": f"targets: {{app: {{http: '{application.url}'}}}}\n---\ntarget: app\n"
        + ITEM.format(f"{{http: {{path: /, headers: {{X: {{file: {path}}}}}}}}}")
    })  # fmt: skip
    options = ["--files-below", "."] if name == "elsewhere" else []
    done = checkout.run(*options, "check", "--format", "json")
    assert done.code == 2, reason
    assert said in done.out, reason
    assert application.seen == []


def test_a_secret_that_is_mounted_by_links_is_read(checkout: Checkout, application: Application):
    # As Kubernetes mounts one: token -> ..data/token, ..data -> ..2026_07_01
    mounted = checkout.outside / "mounted"
    (mounted / "..2026_07_01").mkdir(parents=True)
    (mounted / "..2026_07_01" / "token").write_text("t0ken-of-the-app\n")
    (mounted / "..data").symlink_to("..2026_07_01")
    (mounted / "token").symlink_to("..data/token")
    checkout.write({
        "desired/x.yaml": f"targets: {{app: {{http: '{application.url}'}}}}\n---\ntarget: app\n"
        + ITEM.format(f"{{http: {{path: /, headers: {{X: {{file: {mounted}/token}}}}}}}}")
    })  # fmt: skip
    assert checkout.run("check").code == 0
    assert checkout.run("--files-below", f".:{mounted}", "check").code == 0
    assert [seen.count("X: t0ken-of-the-app") for seen in application.seen] == [1, 1]


@pytest.mark.parametrize(
    ("leads_to", "options", "reason"),
    [
        ("/proc/self/environ", [], "the environment, which an error about YAML would quote"),
        ("/dev/zero", [], "a device without an end"),
        ("../../outside/secret", ["--hosts", ""], "a file of the runner's, where the author is trusted less"),
    ],
)
def test_a_document_that_leads_elsewhere_is_not_read(checkout: Checkout, leads_to, options, reason):
    checkout.write({"desired/targets.yaml": TARGETS})
    (checkout.desired / "x.yaml").symlink_to(leads_to)
    done = checkout.run(*options, "validate", env={**ENV, "A": SECRET})
    assert done.code == 1, reason
    assert "desired/x.yaml: " in done.err
    assert SECRET not in done.shown


STRANGE_FILES = [
    ("environment", f"TOKEN=1\nPASSWORD: : {SECRET}\n", "no YAML at all"),
    ("token", f"{SECRET}\n", "one scalar"),
    ("list", f"- {SECRET}\n", "a list"),
    ("mapping", f"{SECRET}: 1\n", "its keys are none of ours"),
    ("configuration", f'{{"auths": {{"ghcr.io": {{"auth": "{SECRET}"}}}}, "{SECRET}": 1}}', "JSON is YAML, too"),
    ("values", f"target: {SECRET}\nsettings: {{{SECRET}: 1}}\n", "its keys are ours, and its values are not"),
    ("targets", f"targets: {{main: {{postgres: 'postgresql://x/y', {SECRET}: 1}}}}\n", "a key of a target"),
    ("tag", f"target: !{SECRET} main\n", "what YAML's own parser says"),
    ("anchor", f"target: *{SECRET}\n", "the same of an alias"),
]


@pytest.mark.parametrize(("name", "text", "reason"), STRANGE_FILES, ids=[each[0] for each in STRANGE_FILES])
def test_a_document_outside_of_the_repository_is_not_quoted(checkout: Checkout, name: str, text: str, reason: str):
    """Without any option its key, or the line that is no YAML, was."""
    (checkout.outside / name).write_text(text)
    checkout.write({"desired/targets.yaml": TARGETS})
    link = "x\n.yaml" if name == "mapping" else "x.yaml"
    (checkout.desired / link).symlink_to(f"../../outside/{name}")
    done = checkout.run("validate", env=ENV)
    assert done.code == 1, reason
    assert "is not quoted" in done.err, reason
    assert SECRET not in done.shown, reason


def test_links_within_a_folder_are_quoted_wherever_it_is(checkout: Checkout):
    """The folder itself is a link, and what it holds are links to the files of today, as of a ConfigMap."""
    mounted = checkout.outside / "mounted"
    (mounted / "..today").mkdir(parents=True)
    (mounted / "..data").symlink_to("..today")
    (mounted / "..today" / "x.yaml").write_text("setings: {}\n")
    (mounted / "x.yaml").symlink_to("..data/x.yaml")
    (checkout.root / "linked").symlink_to("../outside/mounted")
    for folder in (str(mounted), "linked"):
        done = checkout.run("--desired", folder, "validate")
        assert done.code == 1
        assert "setings" in done.err


def test_shared_documents_outside_of_the_repository_are_read(checkout: Checkout):
    (checkout.outside / "shared.yaml").write_text(TARGETS)
    (checkout.desired / "shared.yaml").symlink_to("../../outside/shared.yaml")
    assert checkout.run("validate", env=ENV).code == 0


@pytest.mark.parametrize("make", ["fifo", "/dev/zero", "/proc/self/environ"])
def test_a_plan_that_is_no_file_is_refused(checkout: Checkout, make: str):
    path = checkout.root / "plan.json"
    os.mkfifo(path) if make == "fifo" else path.symlink_to(make)
    for verb in ("show", "apply"):
        done = checkout.run(verb, str(path))
        assert done.code == 1
        assert "is not a regular file" in done.err


# Time


def test_a_pattern_that_goes_back_and_forth_ends(checkout: Checkout):
    checkout.write({
        "desired/a.txt": "a" * 100_000 + "!",
        "desired/x.yaml": "targets: {app: {http: ''}}\n---\ntarget: app\n"
        + ITEM.format("{file: {path: a.txt, matches: '(a+)+$'}}"),
    })  # fmt: skip
    done = checkout.run("check")
    assert done.code == 2
    assert "does not hold" in done.out


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)b", "looks ahead"),
        (r"(a)\1", "refers to a group"),
        (r"a\Z", "Python's own end of the text"),
        ("(((a{30}){30}){30}){30}", "counts of counts"),
        ("(a|ab|b){900}c", "a machine of thousands of states, each of which is followed for each letter"),
    ],
)
def test_a_pattern_that_is_none_or_too_much_is_refused_at_its_place(checkout: Checkout, pattern: str, reason: str):
    checkout.write({
        "desired/x.yaml": "targets: {app: {http: ''}}\n---\ntarget: app\n"
        + ITEM.format(f"{{file: {{path: a.txt, matches: '{pattern}'}}}}"),
    })  # fmt: skip
    done = checkout.run("validate")
    assert done.code == 1, reason
    assert "desired/x.yaml:5:60: " in done.err


@pytest.mark.parametrize(
    ("section", "begin", "letter", "end", "reason"),
    [
        ("settings", "primary_conninfo: 'x://", ":", "'", "a URL of colons, in which a password is looked for"),
        ("settings", "work_mem: '1", " ", "!'", "a number and blanks, which may be a formula"),
        ("settings", "work_mem: '1", "e", "!'", "a number that has letters without an end"),
        ("tables", "t: {indexes: {i: {columns: [a], why: '", "%25", "'}}}", "encoded, and encoded"),
    ],
)
@pytest.mark.parametrize("length", [99_000, 3_000_000])
def test_a_text_without_an_end_takes_no_time_without_an_end(
    checkout: Checkout, section: str, begin: str, letter: str, end: str, reason: str, length: int
):
    text = f"{begin}{letter * (length // len(letter))}{end}"
    checkout.write({"desired/targets.yaml": TARGETS, "desired/x.yaml": f"target: main\n{section}:\n  {text}\n"})
    done = checkout.run("validate", env=ENV)
    assert done.code is not None, reason
    if length > 100_000:
        assert "letters: at most 100,000 are read" in done.err


# Hosts


class Host(NamedTuple):
    """A target that leads to a stranger's PORT although only ALLOWED may be connected to."""

    name: str
    url: str
    hosts: str
    env: dict[str, str]
    reason: str


HOSTS = [
    Host("host", "postgres: 'postgresql://u:p@127.0.0.1:PORT/x'", "db.internal", {}, "another host"),
    Host("port", "postgres: 'postgresql://u:p@127.0.0.1:PORT/x'", "127.0.0.1:1", {}, "another port"),
    Host("network", "postgres: 'postgresql://u:p@127.0.0.1:PORT/x'", "10.0.0.0/8", {}, "another network"),
    Host("hostaddr", "postgres: 'postgresql://u:p@db.internal:PORT/x?hostaddr=127.0.0.1'", "db.internal", {},
         "the name of one, and the address of another"),
    Host("second host", "postgres: 'postgresql://u:p@127.0.0.2:1,127.0.0.1:PORT/x'", "127.0.0.2", {},
         "one of several hosts"),
    Host("one port for all", "postgres: 'host=127.0.0.2,127.0.0.1 port=PORT'", "127.0.0.2", {}, "one port for both"),
    Host("parameter", "postgres: 'postgresql://127.0.0.2/x?host=127.0.0.1&port=PORT'", "127.0.0.2", {},
         "an option that wins over the host before it"),
    Host("decimal", "postgres: 'postgresql://u:p@2130706433:PORT/x'", "127.0.0.1", {},
         "another spelling of an address, that is not compared"),
    Host("PGHOST", "postgres: 'postgresql:///x'", "db.internal", {"PGHOST": "127.0.0.1", "PGPORT": "PORT"},
         "a host that only the environment names"),
    Host("PGHOSTADDR", "postgres: 'postgresql://db.internal:PORT/x'", "db.internal", {"PGHOSTADDR": "127.0.0.1"},
         "an address that only the environment names"),
    Host("PGSERVICE", "postgres: 'postgresql:///x'", "db.internal",
         {"PGSERVICE": "s", "PGSERVICEFILE": "FOLDER/service"}, "a host that only a service file names"),
    Host("standby", "postgres: 'host=127.0.0.2', standbys: {b: {postgres: 'postgresql://127.0.0.1:PORT/x'}}",
         "127.0.0.2", {}, "a standby"),
    Host("redis", "redis: 'redis://:p@127.0.0.1:PORT/0'", "cache.internal", {}, "a Redis"),
    Host("sentinel", "redis: 'redis://mymaster/0', sentinels: ['redis://127.0.0.1:PORT']", "mymaster", {},
         "a Sentinel"),
    Host("http", "http: 'http://127.0.0.1:PORT'", "app.internal", {}, "an application"),
    Host("in IPv6", "http: 'http://[::ffff:127.0.0.1]:PORT'", "app.internal", {}, "an address in another family"),
    Host("in front of @", "http: 'http://app.internal@127.0.0.1:PORT'", "app.internal", {}, "a name that is a user"),
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS, ids=[host.name for host in HOSTS])
def test_no_connection_is_made_to_a_host_that_is_not_listed(checkout: Checkout, stranger: Stranger, host: Host):
    def filled(text: str) -> str:
        return text.replace("PORT", str(stranger.port)).replace("FOLDER", str(checkout.outside))

    (checkout.outside / "service").write_text(filled("[s]\nhost=127.0.0.1\nport=PORT\n"))
    section = ITEM.format("{http: {path: /}}") if host.url.startswith("http") else "settings: {hz: 10}\n"
    checkout.write({"desired/x.yaml": filled(f"targets: {{t: {{{host.url}}}}}\n---\ntarget: t\n{section}")})
    env = {key: filled(value) for key, value in host.env.items()}
    limited = checkout.run("--hosts", host.hosts, "check" if host.url.startswith("http") else "drift", env=env)
    assert limited.code in (1, 2)
    assert stranger.visits == 0, host.reason
    assert "is not among the hosts that may be connected to" in " ".join(limited.shown.split()), host.reason
    checkout.run("check" if host.url.startswith("http") else "drift", env=env)
    assert stranger.visits > 0, "this row is about nothing: nobody would have connected"


def test_the_host_that_is_listed_is_connected_to(checkout: Checkout, stranger: Stranger):
    checkout.write({"desired/x.yaml": f"targets: {{t: {{redis: 'redis://127.0.0.1:{stranger.port}/0'}}}}\n"
                    "---\ntarget: t\nsettings: {hz: 10}\n"})  # fmt: skip
    for hosts in ("127.0.0.1", f"127.0.0.1:{stranger.port}", "127.0.0.0/8", "::ffff:127.0.0.1"):
        before = stranger.visits
        checkout.run("--hosts", f"elsewhere,{hosts}", "drift")
        assert stranger.visits > before, hosts


def test_no_redirect_is_followed(checkout: Checkout, application: Application, stranger: Stranger):
    application.answers["/moved"] = (302, {"Location": f"http://127.0.0.1:{stranger.port}/"}, b"")
    check = ITEM.format("{http: {path: /moved, headers: {X: {env: RUNNERS_TOKEN}}}}")
    checkout.write({"desired/x.yaml": f"targets: {{app: {{http: '{application.url}'}}}}\n---\ntarget: app\n{check}"})
    assert checkout.run("check", env=ENV).code == 2
    assert len(application.seen) == 1
    assert stranger.visits == 0


@pytest.mark.parametrize("path", ["/../admin", "/a/%2e%2e/%2E%2E/admin", "/a/..%2fadmin", "/a\\\\..\\\\..\\\\admin"])
def test_a_check_asks_below_the_url_of_its_target(checkout: Checkout, application: Application, path: str):
    check = ITEM.format(f"{{http: {{path: \"{path}\"}}}}")  # fmt: skip
    checkout.write(
        {"desired/x.yaml": f"targets: {{app: {{http: '{application.url}/public'}}}}\n---\ntarget: app\n{check}"}
    )
    done = checkout.run("check")
    assert done.code == 1
    assert "climbs: a check asks below the URL of its target" in done.err
    assert application.seen == []


def test_a_header_that_an_application_sends_back_is_not_shown(checkout: Checkout, application: Application):
    application.answers["/"] = (200, {"X-Seen": f"Bearer {SECRET}"}, b"")
    check = ITEM.format(
        "{http: {path: /, headers: {X: {env: RUNNERS_TOKEN}}, expect: {header: {X-Seen: {equals: a}}}}}"
    )
    checkout.write({"desired/x.yaml": f"targets: {{app: {{http: '{application.url}'}}}}\n---\ntarget: app\n{check}"})
    done = checkout.run("check", env=ENV)
    assert SECRET in application.seen[0]
    assert done.code == 2
    assert SECRET not in done.shown


KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq hkiG9w0BAQEF\n-----END KEY-----"
"""A secret that is no header's value: whoever refuses it likes to quote it, with its line breaks escaped."""


@pytest.mark.parametrize("kept", ["{env: DEPLOY_KEY}", "{file: keys/key.pem}"])
@pytest.mark.parametrize("verb", ["plan --format markdown", "check --format json"])
def test_a_secret_that_cannot_be_sent_is_not_shown(checkout: Checkout, application: Application, kept: str, verb: str):
    """Seen in the comment of a pull request, before: `Illegal header value b'-----BEGIN KEY-----\\nMII…'`."""
    check = ITEM.format(f"{{http: {{path: /, headers: {{X: {kept}}}}}}}")
    targets = f"targets: {{app: {{http: '{application.url}'}}}}\n"
    checkout.write({"t.yaml": targets, "desired/x.yaml": f"target: app\n{check}", "keys/key.pem": f"{KEY}\n"})
    limits = [
        "--targets",
        "t.yaml",
        "--hosts",
        "127.0.0.1",
        "--variables",
        "DEPLOY_KEY:secret",
        "--files-below",
        "keys",
    ]
    done = checkout.run(*limits, *verb.split(), env={"DEPLOY_KEY": KEY})
    assert "the value of the header X cannot be sent" in done.out
    assert not any(part in done.shown for part in ("BEGIN", "MIIEvQ", "hkiG9"))
    assert application.seen == []


@pytest.mark.parametrize("name", ["Host", "host"])
def test_a_host_in_a_header_is_one_that_is_listed(checkout: Checkout, application: Application, name: str):
    """Before, a shared address was asked for any of the names that lead to it, with any secret in a header."""
    targets = f"targets: {{app: {{http: '{application.url}'}}}}\n"
    for host, listed in (("other.example", False), (application.url.removeprefix("http://"), True)):
        check = ITEM.format(f"{{http: {{path: /, headers: {{{name}: '{host}'}}}}}}")
        checkout.write({"t.yaml": targets, "desired/x.yaml": f"target: app\n{check}"})
        done = checkout.run("--targets", "t.yaml", "--hosts", "127.0.0.1", "check")
        assert ("other.example:80 is not among the hosts" in done.out) is not listed, done.shown
        assert bool(application.seen) is listed
    check = ITEM.format(f"{{http: {{path: /, headers: {{{name}: other.example}}}}}}")
    checkout.write({"desired/x.yaml": f"{targets}---\ntarget: app\n{check}"})
    assert checkout.run("check").code == 0, "without limits, a name may stand for an address"
    assert "other.example" in application.seen[-1]


def test_a_member_that_patroni_announces_is_no_host_that_is_listed(application: Application, stranger: Stranger):
    from reconciler.allow_lists import Reach, hosts
    from reconciler.errors import ConnectionFailed
    from reconciler.secrets import Secrets
    from reconciler.targets.patroni.writing import Member, PatroniWriter

    secrets = Secrets({}, Reach(hosts=hosts(f"127.0.0.1:{application.server_port}")))
    api = PatroniWriter("main", [f"http://u:{SECRET}@127.0.0.1:{application.server_port}"], secrets)
    member = Member(name="b", role="replica", state="running", api_url=f"http://127.0.0.1:{stranger.port}/patroni")
    with pytest.raises(ConnectionFailed, match="not among the hosts"):
        api.restart(member, seconds=1)
    assert stranger.visits == 0


# Types of checks


def test_types_of_checks_are_left_out_and_said_to_be(checkout: Checkout, application: Application):
    checkout.write({
        "desired/x.yaml": f"targets: {{app: {{http: '{application.url}'}}}}\n---\ntarget: app\nchecklist:\n"
        "  - {id: h, title: t, check: {http: {path: /}}}\n"
        "  - {id: f, title: t, check: {file: {path: ../package.json, contains: pg}}}\n"
        "  - {id: both, title: t, check: [{http: {path: /}}, {attestation: {every: 1d}}]}\n"
    })  # fmt: skip
    done = checkout.run("--without", "http,file", "check", "--format", "json")
    assert application.seen == []
    assert done.out.count("are left out here (--without)") == 2
    assert done.out.count('"status": "not-visible"') == 2  # and the attestation, that nobody has given, fails
    assert done.code == 2


def test_a_run_shows_what_it_reaches_without_any_limit(checkout: Checkout, application: Application):
    """The rows above are about something: without options it is read, asked, and used."""
    check = ITEM.format("{http: {path: /, headers: {X: {env: RUNNERS_TOKEN}}}}")
    checkout.write({"desired/x.yaml": f"targets: {{app: {{http: '{application.url}'}}}}\n---\ntarget: app\n{check}"})
    assert checkout.run("check", env=ENV).code == 0
    assert SECRET in application.seen[0]
    assert Path(checkout.root / ".git").is_dir()
