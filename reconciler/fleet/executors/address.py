"""Which cluster, how it is spoken to, and where on it a target may run: what `--executor` and its companions say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from reconciler.errors import UsageError
from reconciler.model import Target

ENGINE = "dask"

EXPECTED = "dask:tls://HOST:PORT, or dask:tcp://127.0.0.1:PORT on this machine alone"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: the authority that has signed those of both sides, and ours, with its key."""

    authority: Path
    own: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of Dask, by the `address` of its scheduler. `certificates` None: it is on this machine, in clear.

    `place_by` are labels: a target whose `region` is `eu` runs on workers with the resource `region-eu`.
    """

    address: str
    certificates: Certificates | None
    place_by: tuple[str, ...] = ()

    def resources_of(self, targets: Mapping[str, Target]) -> dict[str, dict[str, float]]:
        """What a worker has to have for each of `targets`. Raises UsageError where one has no such label: nobody says
        where it may run."""
        for label in self.place_by:
            without = [name for name, target in targets.items() if label not in target.labels]
            if without:
                more = f" and {len(without) - 1} more have" if len(without) > 1 else " has"
                raise UsageError(
                    f"{without[0]}{more} no label {label}, by which --place-by chooses a worker",
                    hint="label it, or choose by a label that all have",
                )
        return {
            name: {resource(label, target.labels[label]): 1 for label in self.place_by}
            for name, target in targets.items()
        }

    def expect_spoken_to_alike(self, workers: Iterable[str]) -> None:
        """Raises UsageError where one of these addresses of workers may be spoken to in clear, beyond this machine."""
        for worker in workers:
            protocol, host, _ = _parts(worker) or ("", "", 0)
            if protocol != ("tls" if self.certificates else "tcp") or not (self.certificates or is_loopback(host)):
                raise UsageError(
                    f"the cluster has a worker at {worker}, which is spoken to in clear",
                    hint="start the scheduler and all workers with TLS: --tls-ca-file, --tls-cert, --tls-key",
                )


def resource(label: str, value: str) -> str:
    """The resource of workers on which targets with this label run."""
    return f"{label}-{value}"


def parse(
    text: str, *, authority: Path | None, own: Path | None, key: Path | None, place_by: Sequence[str] = ()
) -> Cluster:
    """The cluster that `text` names, with the files of TLS. Raises UsageError."""
    engine, divider, address = text.strip().partition(":")
    if engine != ENGINE or not divider:
        raise UsageError(f"there is no executor {text.strip()!r}", hint=f"expected {EXPECTED}")
    parts = _parts(address)
    if parts is None:
        raise UsageError(f"--executor: {address!r} is no address of a scheduler", hint=f"expected {EXPECTED}")
    protocol, host, _ = parts
    given = {"--tls-ca": authority, "--tls-cert": own, "--tls-key": key}
    if protocol == "tcp":
        if not is_loopback(host):
            raise UsageError(
                f"{address} would be spoken to in clear, and whoever listens or answers there could run anything on "
                "the workers",
                hint=f"beyond this machine, use TLS with certificates of both sides: {EXPECTED}",
            )
        if unused := [name for name, path in given.items() if path]:
            raise UsageError(f"{unused[0]} is about TLS, and {address} is spoken to in clear", hint=EXPECTED)
        return Cluster(address, None, tuple(place_by))
    missing = [name for name, path in given.items() if path is None]
    if authority is None or own is None or key is None:
        raise UsageError(f"{address} needs certificates of both sides: {', '.join(missing)}", hint="files in PEM")
    for name, path in given.items():
        if path and not path.is_file():
            raise UsageError(f"{name}: there is no file {path}")
    return Cluster(address, Certificates(authority, own, key), tuple(place_by))


def is_loopback(host: str) -> bool:
    """Whether nobody outside of this machine can listen, or answer. Names are not looked up, but for the usual one."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(address: str) -> tuple[str, str, int] | None:
    found = re.fullmatch(r"(tls|tcp)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})", address, re.ASCII)
    return (found[1], found[2].strip("[]"), int(found[3])) if found and 0 < int(found[3]) < 65536 else None
