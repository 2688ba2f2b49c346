"""What can be declared of a user of Redis, and what a server shows of one."""

from __future__ import annotations

from typing import Literal

from reconciler.kinds.redis_user.rules.powers import Powers
from reconciler.model import Frozen, Observed, Resource, SecretRef
from reconciler.yaml.verbatim_text import Text

NAME = "redis_user"


class UserSection(Frozen):
    """A user in YAML. `rules` are those of ACL SETUSER, without any password; without `password` it is left alone."""

    rules: Text
    password: SecretRef | None = None
    why: str = ""


Section = dict[str, UserSection | Literal["absent"]]


class RedisUser(Resource):
    """One ACL user. `rules` is None where the user has to be absent."""

    rules: tuple[str, ...] | None
    password: SecretRef | None = None

    @property
    def user(self) -> str:
        """The name of the user."""
        return self.address.name

    @property
    def decides_login(self) -> bool:
        """True where it is declared how the user logs in; else its passwords stay as they are."""
        return self.password is not None or "nopass" in (self.rules or ())


class ObservedUser(Observed):
    """What a server shows of one user, and how the declared rules read there.

    hidden        not empty: what is missing to see it.
    problem       not empty: why this server would refuse the declared rules.
    exists        there is such a user; `rules` is what it may, in the words of ACL LIST, without passwords.
    login         how it logs in: "nopass", "none" (nobody can), "password"; several passwords are "passwords".
    same_rights   the declared rules allow exactly what the user may now; `same_login` likewise.
    becomes       in words, what it may once it is as declared and not now, and the other way round.
    deviates      in words, what it may now otherwise than declared; of a user that is to be absent, all that it may.
    dangerous     @dangerous commands that it may afterwards and not now.
    powers        what it may now that matters to whoever comes upon it.
    is_off        the declared rules turn it off; `was_on` it is on now.
    own           it is the tool's own user; `own_loses` what the tool would then miss.
    url_has_it    of the own user: the password in the target's URL is the declared one.
    contradicted  of a user that is as declared: dangerous commands that the rules deny, and ACL DRYRUN lets through.
    in_file       how the file has it in which users are kept, on `line`: see `persisted.py`.
    unwritable    not empty: why the server, once it has written the declared user down, would not read the same again.
    misread_now   the user as it is now is such a one.
    others_seen   whether that could be asked of all other users; `rewrite_breaks` not empty: one of them, or an
                  included file, makes the file that would be written one that the server does not start with.
    overwritten   lines of users whom nobody declares, and who run otherwise: what they say is lost when it is written.
    writes_append_only  appendonly is yes, which CONFIG REWRITE writes down as well: it waits until that file is whole.
    reset         the rules that undo everything but passwords, as this server takes them.
    persists      false: nothing is to be written into its files, and config_file and aclfile are empty.
    config_file   "": the server runs without one, None: not to be seen. `aclfile` "": users are kept in config_file.
    """

    server: str
    hidden: str = ""
    problem: str = ""
    exists: bool = False
    rules: tuple[str, ...] = ()
    login: Literal["nopass", "none", "password", "passwords"] = "none"
    same_rights: bool = False
    same_login: bool = False
    becomes: tuple[str, ...] = ()
    deviates: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()
    was_on: bool = False
    powers: Powers = Powers()
    is_off: bool = False
    own: bool = False
    own_loses: tuple[str, ...] = ()
    url_has_it: bool = True
    contradicted: tuple[str, ...] = ()
    in_file: Literal["not-visible", "as-running", "other", "missing"] = "not-visible"
    line: str = ""
    unwritable: str = ""
    misread_now: bool = False
    others_seen: bool = True
    rewrite_breaks: str = ""
    overwritten: tuple[str, ...] = ()
    writes_append_only: bool = False
    reset: tuple[str, ...] = ()
    config_file: str | None = None
    aclfile: str = ""
    persists: bool = True
