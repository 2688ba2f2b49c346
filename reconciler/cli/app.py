"""The verbs, what they have in common, and how errors end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from reconciler import __version__
from reconciler.allow_lists import Reach
from reconciler.cli.options import allow_lists
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.secrets import Secrets

VERBS: Mapping[str, str] = {
    "init": "Begin: a folder of YAML that declares what is there.",
    "validate": "Read and check all YAML; connect to nothing.",
    "explain": "Say where something is declared, or what decides about it.",
    "plan": "Show what would change; change nothing.",
    "show": "Render saved plans, or receipts; connect to nothing.",
    "approve": "Approve a saved plan by the signature of an SSH key.",
    "apply": "Apply saved plans, or plan and ask.",
    "rollback": "Plan to undo an apply, from its receipt.",
    "drift": "Say where live systems differ from what is declared.",
    "check": "Decide the checklists.",
    "import": "Print the YAML that declares what a target has.",
    "schema": "Print the JSON Schema of the YAML, for editors.",
    "completion": "Print the script by which a shell completes words.",
    "demo": "Watch it all on servers of its own.",
}
"""Each verb is `cli/<verb>.py`, and this line is its help in the overview: known without importing it."""

ASKED_BY_A_SHELL = "_RECONCILER_COMPLETE"
"""The variable by which the script of `reconciler completion` asks while somebody types; click's form."""


class Verbs(click.Group):
    """The group of verbs, loaded one by one: `--help` imports none of them."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The verbs, in the order of their use."""
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The verb's command; None for an unknown one."""
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"reconciler.cli.{name}").command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest verb for one that does not exist."""
        if arguments and arguments[0] not in VERBS and not arguments[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(arguments[0], VERBS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; choose one of {', '.join(VERBS)}"
            raise click.UsageError(f"there is no verb {arguments[0]!r}{hint}")
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview of verbs, from the table."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


class Run:
    """What every verb needs: where the YAML is, the secrets of this run and what it may reach, and whether to show
    tracebacks."""

    def __init__(self, folder: Path, debug: bool, reach: Reach, *, names_folder: bool = False) -> None:
        """`names_folder`: the command line says where the YAML is, as the next one has to."""
        from reconciler.secrets import Secrets  # and with it all models, of which `--help` needs none

        self.folder = folder
        self.names_folder = names_folder
        self.debug = debug
        self.secrets = Secrets(os.environ, reach)

    def tell(self, line: str) -> None:
        """A remark beside the result, on standard error: one line, whatever names are in it."""
        from reconciler.reports.characters import visible

        click.echo(visible(self.secrets.redact(line)), err=True)

    def fail(self, message: str) -> None:
        """An error, on standard error."""
        _tell(f"error: {message}", self.secrets)


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    no_args_is_help=True,
    subcommand_metavar="VERB …",
    context_settings={
        "auto_envvar_prefix": "RECONCILER",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.option(
    "--desired",
    "folder",
    default="desired",
    show_default=True,
    metavar="DIR",
    envvar="RECONCILER_DESIRED",
    type=click.Path(path_type=Path),
    help="The folder of YAML files that declare everything.",
)
@allow_lists.options
@click.option(
    "-v", "--verbose", count=True, help="Log stages, connections, locks and steps to stderr; -vv: each statement."
)
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of what -v logs."
)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.version_option(__version__, prog_name="reconciler")
@click.pass_context
def reconciler(
    context: click.Context, /, folder: Path, verbose: int, log_format: str, debug: bool, **given: str | None
) -> None:
    """Performance tuning as code for PostgreSQL and Redis: declare, plan, review, apply, drift.

    Every option can also be given as an environment variable: RECONCILER_DESIRED, RECONCILER_PLAN_FORMAT, …
    """
    if context.invoked_subcommand is None:
        raise click.UsageError(f"a verb is missing: choose one of {', '.join(VERBS)}")
    names_folder = context.get_parameter_source("folder") is ParameterSource.COMMANDLINE
    context.obj = Run(folder, debug, allow_lists.reach(given, folder), names_folder=names_folder)
    if verbose:
        from reconciler.cli import logs
        from reconciler.targets import log

        logs.configure(verbose, log_format, context.obj.secrets)
        log.event(f"reconciler {__version__}: {context.invoked_subcommand}")
        context.call_on_close(logs.end)
    if not debug:
        # Drivers log what they then also raise; one error is enough.
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code. Every error ends here, as one `error: …` on stderr."""
    # The models of a run stay until its end, and hold no cycles: looking for some takes half of a large plan's time.
    gc.set_threshold(1_000_000)
    if arguments is None and (asked := os.environ.get(ASKED_BY_A_SHELL)):
        from click.shell_completion import shell_complete

        with contextlib.suppress(click.ClickException):  # somebody is typing: no error helps there
            return shell_complete(reconciler, {}, "reconciler", ASKED_BY_A_SHELL, asked)
        return 1
    context: click.Context | None = None
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with reconciler.make_context("reconciler", list(given)) as context:
            reconciler.invoke(context)
        return 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        verb = " ".join(filter(None, ["reconciler", context.invoked_subcommand if context else None]))
        unknown = error.option_name if isinstance(error, click.NoSuchOption) else ""
        before = unknown in ("--desired", "--debug", "-v", "--verbose", "--log-format", *allow_lists.NAMES)
        place = "write it before the verb; " if before and verb != "reconciler" else ""
        from reconciler.cli import habits

        known = f"\n  {said}" if (said := habits.hint(given, no_verb=verb == "reconciler")) else ""
        if isinstance(error, click.NoSuchOption) and (known or place):
            error = click.NoSuchOption(error.option_name, ctx=error.ctx)  # what is only spelled alike contradicts that
        return _fail(context, f"{error.format_message()}{_variable(error)}{known}\n  {place}see: {verb} --help")
    except click.ClickException as error:
        return _fail(context, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return _fail(context, "interrupted; nothing more was done")
    except ReconcilerError as error:
        return _fail(context, str(error))
    except BrokenPipeError:
        # Whoever read our output (head, a pager) has seen enough. Python would complain again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(context, f"{where}{error.strerror or error}")
    except Exception as error:  # a mistake of ours: still one line for whoever runs it, and how to tell us more
        return _fail(context, f"unexpected {type(error).__name__}: {error}\n  run again with --debug for a traceback")


def _variable(error: click.UsageError) -> str:
    """Where the value that is wrong comes from the environment: from which variable."""
    if not isinstance(error, click.BadParameter) or error.param is None or error.ctx is None:
        return ""
    name = error.param.name or ""
    if error.ctx.get_parameter_source(name) is not ParameterSource.ENVIRONMENT:
        return ""
    named = error.param.envvar if isinstance(error.param.envvar, str) else ""
    return f" It comes from the variable {named or f'{error.ctx.auto_envvar_prefix}_{name.upper()}'}."


def _fail(context: click.Context | None, message: str) -> int:
    """Prints the error, with every known secret blotted out, and returns 1."""
    from reconciler.secrets import Secrets

    run = context.obj if context else None
    secrets = run.secrets if isinstance(run, Run) else Secrets({})
    if isinstance(run, Run) and run.debug:
        _tell(traceback.format_exc(), secrets)
    _tell(f"error: {message}", secrets)
    return 1


def _tell(text: str, secrets: Secrets) -> None:
    """`text` on standard error. What a file or a server says may hold more than text: nothing of it acts on a
    terminal, and no known secret is in it."""
    from reconciler.reports.characters import visible_lines

    click.echo("\n".join(visible_lines(secrets.redact(text))), err=True)
