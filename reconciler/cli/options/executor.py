"""The options that name a cluster, on whose workers the plans in a folder are applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.fleet.executors.address import Cluster

F = TypeVar("F", bound=Callable[..., Any])

_FILES = {
    "tls_ca": "The authority that signed the certificates of both sides, in PEM.",
    "tls_cert": "The certificate of this side, in PEM.",
    "tls_key": "Its key, in PEM.",
}


def options(command: F) -> F:
    """Adds the options to `command`, which gets all of them as one mapping, for `cluster`."""
    for name, said in reversed(_FILES.items()):
        command = click.option(
            f"--{name.replace('_', '-')}", name, metavar="FILE", envvar=f"RECONCILER_DASK_{name.upper()}",
            type=click.Path(path_type=Path), help=f"{said} With --executor dask:tls://….",
        )(command)  # fmt: skip
    command = click.option(
        "--place-by",
        multiple=True,
        metavar="LABEL",
        help="Run each target where workers have a resource for its label: region-eu for region: eu; may be repeated.",
    )(command)
    return click.option(
        "--executor",
        metavar="dask:tls://HOST:PORT",
        help="Have workers of a Dask cluster apply the plans in a folder, by what they themselves declare and approve.",
    )(command)


def cluster(given: Mapping[str, Any], *, loosens: Mapping[str, bool]) -> Cluster | None:
    """The cluster that the options name; None: they name none. Raises UsageError, also where an option is given that
    `loosens` what a worker holds plans against: none of them travels."""
    if not given["executor"]:
        if given["place_by"]:
            raise UsageError("--place-by chooses workers of a cluster", hint="name it: --executor dask:tls://HOST:PORT")
        return None
    if loosening := [name for name, is_given in loosens.items() if is_given]:
        raise UsageError(
            f"{loosening[0]} is nothing that a worker takes from anybody",
            hint="make a new plan, or apply this one without --executor",
        )
    from reconciler.fleet.executors.address import parse

    return parse(
        given["executor"], authority=given["tls_ca"], own=given["tls_cert"], key=given["tls_key"],
        place_by=given["place_by"],
    )  # fmt: skip
