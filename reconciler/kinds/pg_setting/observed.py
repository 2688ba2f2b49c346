"""What a server shows of a setting, of its files, and of what is around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from reconciler.formulas.quantity_arithmetic import FormulaError, Quantity
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.sections import Value
from reconciler.model import Frozen, Hazard, Observed


class Owner(Frozen):
    """Who keeps the settings of an instance, where it is not its administrator (see owner).

    `cluster`: what the owner calls it, where the server shows that; empty where it does not.
    """

    name: str
    cluster: str = ""


class RunningValue(Frozen):
    """What one member runs, as pg_settings has it. `pending`: its file has another value, which waits."""

    text: str = Field(repr=False)
    pending: bool = False


class PatroniSeen(Frozen):
    """A cluster that Patroni keeps: its configuration (settings as text), and what each member runs, by name."""

    parameters: Mapping[str, str] = Field(repr=False)
    running: Mapping[str, Mapping[str, RunningValue]]
    loop_wait: int


class HugePages(Frozen):
    """Huge pages of the machine: the size of one, in bytes, and how many are free and there."""

    size: int
    free: int
    total: int


class Around(Frozen):
    """What is around a server. None: not visible, or nothing that is declared depends on it.

    memory             in bytes: the least of what is declared, what the machine has, and what its container may use.
    logical_slots      how many replication slots there are that outlive a restart, `physical_slots` likewise.
    prepared           how many prepared transactions there are.
    origins            how many replication origins are in use.
    address            the server's address that this session came in by; None: a Unix socket.
    groups             names and numbers of the groups that the server's user belongs to.
    io_uring_disabled  the kernel's parameter of that name.
    primary            of a standby: what its primary has of the settings that it must not have less of; empty where
                       the two are declared together.
    unconvertible      databases whose encoding nothing converts to client_encoding as it is declared.
    paths              what is there: missing, file or directory. Without an entry: not visible.
    pem                which of the words of PEM a file has.
    sessions           how many others are connected, and how many stream from here, standbys or not (`senders`).
    streaming          the application_name of each that streams from here and has caught up.
    let_in             the types of the lines in pg_hba.conf: host, hostssl…; empty: not visible, or not needed.
    """

    memory: int | None = None
    huge_pages: HugePages | None = None
    logical_slots: int = 0
    physical_slots: int = 0
    prepared: int = 0
    origins: int = 0
    address: str | None = None
    groups: tuple[str, ...] | None = None
    io_uring_disabled: str | None = None
    primary: Mapping[str, int] | None = None
    unconvertible: tuple[str, ...] = ()
    paths: Mapping[str, str] = {}
    pem: Mapping[str, tuple[str, ...]] = {}
    sessions: int | None = None
    senders: int | None = None
    streaming: tuple[str, ...] | None = None
    let_in: frozenset[str] = frozenset()


class Server(Frozen):
    """What all settings of a server have in common.

    acting         the role that is to run what is planned (`apply_as`), whether or not it is the one that looks.
    files_visible  the role may read pg_file_settings, and the files can be read to their end.
    blocking       lines of the files on account of which the server ignores all of them: `file:line: error`.
    coming         what settings come to that can keep the server from starting (see startup and planned_values).
    operands       what the names in formulas stand for (see planned_values); `problems` say why some stand for nothing.
    now            what they are now.
    around         what is around the server (see startup).
    loaded         the libraries that the server has preloaded, and those that its files name; None: not visible.
    preloading     the libraries that its files name; `to_preload` those that are declared beside.
    restarts       the target declares how it is restarted.
    brings         what a restart would bring, by setting; empty where the target declares no restart.
    undeclared_standbys  how many stream from here beside those that the target declares.
    owner          whoever keeps its settings instead of its administrator; None: nobody.
    patroni        what Patroni and its members have, where the target says that Patroni keeps it.
    """

    version_num: int
    role: str
    superuser: bool
    acting: str = ""
    acts_as_superuser: bool = False
    in_recovery: bool = False
    data_directory: str | None = None
    may_reload: bool = False
    alter_system_allowed: bool = True
    files_visible: bool = False
    blocking: tuple[str, ...] = ()
    loaded: tuple[str, ...] | None = None
    preloading: tuple[str, ...] = ()
    to_preload: tuple[str, ...] = ()
    restarts: bool = False
    brings: Mapping[str, tuple[Hazard, ...]] = {}
    undeclared_standbys: int = 0
    owner: Owner | None = None
    patroni: PatroniSeen | None = None
    coming: Mapping[str, int | float | str | tuple[str, ...]] = Field(default={}, repr=False)
    now: Mapping[str, int | float | str | tuple[str, ...]] = Field(default={}, repr=False)
    around: Around = Around()
    operands: Mapping[str, Quantity] = Field(default={}, repr=False)
    problems: Mapping[str, str] = Field(default={}, repr=False)

    def operand(self, name: str) -> Quantity:
        """What a name in a formula stands for. Raises FormulaError."""
        if name not in self.operands:
            raise FormulaError(self.problems.get(name, f"{name} was not asked for"))
        return self.operands[name]


class FileEntry(Frozen):
    """One line of a configuration file that sets the setting. `file` as people know it (see provenance)."""

    file: str
    line: int
    setting: str = Field(repr=False)
    by_alter_system: bool


class Override(Frozen):
    """A value that sessions of a role, in a database, or both, get instead of the instance's."""

    scope: str
    value: str = Field(repr=False)


class SettingObserved(Observed):
    """What a server shows of one setting, with everything that decides about it.

    definition      None where the setting is not in pg_settings: `absence` says why.
    absence         unknown; hidden from this role; unlisted: it exists, and pg_settings never lists it.
    running         the value that the instance gives to anyone; None where it cannot be told (`masked_by`).
    masked_by       why this session sees a value of its own, and not the instance's.
    entries         the files' lines for it, in the order in which they count: the last one wins.
    declared        names, as in addresses, of what is declared of the same target beside.
    own             the value of the declared scope; None where it has none. Always None for the instance.
    scope_sql       the scope as SQL names it: "database app"; empty where it does not exist.
    by_server       how the server reads the declared text, where it could be asked.
    same            texts of what runs and of the files that the server reads as it does the declared one.
    refused         what the server said of the declared text, where it refused it.
    secret_matches  whether the value is the declared secret; None where none is declared.
    beside          what is declared of the settings that the declared value leans on.
    lacks           of a database or a role: what our role lacks to set it there.
    missing         libraries that are named and could not be loaded; None where the server cannot be asked.
    inherited       of a database or a role: what its sessions would get without a value of its own, be it another
                    scope's or the instance's; more than one where it is not the same everywhere.
    """

    server: Server
    definition: Definition | None = None
    absence: Literal["", "unknown", "hidden", "unlisted"] = ""
    nearest: tuple[str, ...] = ()
    running: str | None = Field(default=None, repr=False)
    source: str = ""
    masked_by: str = ""
    sourcefile: str = ""
    pending_restart: bool = False
    entries: tuple[FileEntry, ...] = ()
    overrides: tuple[Override, ...] = ()
    declared: frozenset[str] = frozenset()
    own: str | None = Field(default=None, repr=False)
    scope_sql: str = ""
    scope_missing: str = ""
    may_set: bool = False
    lacks: str = ""
    by_server: str | None = None
    same: tuple[str, ...] = Field(default=(), repr=False)
    refused: str = ""
    secret_matches: bool | None = None
    missing: tuple[str, ...] | None = ()
    inherited: tuple[str, ...] = Field(default=(), repr=False)
    beside: Mapping[str, Value] = Field(default={}, repr=False)

    @property
    def last_entry(self) -> FileEntry | None:
        """The line that counts; None where no file sets it."""
        return self.entries[-1] if self.entries else None

    @property
    def in_auto(self) -> FileEntry | None:
        """What ALTER SYSTEM wrote; None where it wrote nothing."""
        return next((entry for entry in reversed(self.entries) if entry.by_alter_system), None)

    @property
    def below_auto(self) -> FileEntry | None:
        """The line that counts after ALTER SYSTEM RESET."""
        return next((entry for entry in reversed(self.entries) if not entry.by_alter_system), None)


class ObservedRestart(Observed):
    """Which of the settings still wait: their files hold another value than runs. None: this role cannot see that.

    `brings` as in Server. `fatal`: why the server would not start again with what waits; empty where nothing says so.
    """

    waiting: tuple[str, ...] | None
    role: str
    brings: Mapping[str, tuple[Hazard, ...]] = {}
    fatal: str = ""
