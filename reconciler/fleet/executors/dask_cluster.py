"""The side of the client: a task for each target on a Dask cluster, and what comes of it.

The engine tries nothing again: a task whose worker has ended has failed, and the next run looks at what is there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future as Promise
from contextlib import closing, contextmanager
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar

from reconciler import __version__
from reconciler.applying.gates.gate import Options
from reconciler.applying.interruption import Interruption
from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file
from reconciler.documents import task as task_file
from reconciler.errors import ApplyError, ConnectionFailed, LockHeld, NotBegun, ReconcilerError, UsageError
from reconciler.fleet.apply import Apply
from reconciler.fleet.executors import dask_task
from reconciler.fleet.executors.address import Cluster
from reconciler.fleet.executors.dask_watch import BETWEEN_LOOKS, SILENCE, Watch
from reconciler.model import NotApplied, Plan, Receipt, Task

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")

CONNECTING = 30
"""Seconds in which a scheduler that is there answers: Dask's own limit."""

WITHOUT_WORKER = 60
"""Seconds that a target waits while no worker may run it: one that has ended is started again by its nanny."""

WORKER_SILENCE = 60
"""Seconds of silence, after which a scheduler has to give up a worker: no run waits for longer, Ctrl-C or not."""

NEXT_RUN = "the next run looks at what was begun, and finishes it: reconciler apply DIR"


class DaskCluster:
    """A connection to a scheduler, by which the plans of one run are applied.

    `index` is the text of the index of the plans, where that was approved as a whole, and else empty; `resources` what
    a worker has to have for each target.
    """

    def __init__(
        self, client: Client, watch: Watch, *, run: str, options: Options, parallel: int, index: str,
        resources: Mapping[str, Mapping[str, float]],
    ) -> None:  # fmt: skip
        self._client = client
        self._watch = watch
        self._run = run
        self._options = options
        self._parallel = parallel
        self._index = index
        self._resources = resources

    def apply(self, name: str, plan: Plan) -> Receipt:
        """Has a worker apply the plan of one target. Raises ReconcilerError."""
        result = task_file.load_result(self._answer(name, plan), source="what the worker answers")
        match result.not_applied:
            case NotApplied.HELD:
                raise LockHeld(result.message)
            case NotApplied.UNREACHABLE | NotApplied.SILENT as why:
                raise _not_reached(name, result.message, silent=why is NotApplied.SILENT)
            case NotApplied.INTERRUPTED if self._watch.is_interrupted:
                raise NotBegun(result.message)
            case NotApplied.REFUSED | NotApplied.INTERRUPTED:  # interrupted by nobody here: the worker is to end
                raise ApplyError(result.message)
        receipt = receipt_file.load(result.receipt, source="the receipt of the worker")
        if receipt.plan_digest != plan.digest:
            raise ApplyError("the receipt of the worker is of another plan", hint=NEXT_RUN)
        return receipt

    def _answer(self, name: str, plan: Plan) -> bytes:
        from distributed.scheduler import KilledWorker

        task = Task(
            reconciler_version=__version__, target=name, plan=plan_file.dump(plan), index=self._index,
            allowed=tuple(self._options.allowed), max_age=self._options.max_age, parallel=self._parallel,
        )  # fmt: skip
        resources = dict(self._resources.get(name, {}))
        key = f"reconciler-{self._run}-{name}-{token_hex(4)}"  # another one where the same target is tried once more
        try:
            future = self._client.submit(
                dask_task.apply, self._run, task_file.dump(task),
                key=key, pure=False, retries=0, resources=resources or None,
            )  # fmt: skip
            try:
                return self._awaited(future, name, resources)
            finally:
                future.release()
        except ReconcilerError:
            raise
        except KilledWorker:
            raise ApplyError("the worker ended while it was at work", hint=NEXT_RUN) from None
        except Exception as error:
            if self._client.status != "running":
                raise _lost() from None
            said = f"the cluster has no result of it: {type(error).__name__}: {error}"
            raise ApplyError(said, hint=NEXT_RUN) from None

    def _awaited(self, future: Future[bytes], name: str, resources: Collection[str]) -> bytes:
        """What the task returns. Raises ReconcilerError where it never will, and whatever Dask raises."""
        is_done, placeable = threading.Event(), time.monotonic()
        future.add_done_callback(lambda _: is_done.set())
        while not is_done.wait(BETWEEN_LOOKS):
            if self._watch.is_lost:
                raise _lost()
            if self._watch.is_turned_away(str(future.key)):
                future.cancel()
                raise NotBegun("interrupted before its turn: nothing was run")
            missing = self._watch.missing(resources)
            placeable = placeable if missing else time.monotonic()
            if time.monotonic() - placeable > WITHOUT_WORKER:
                future.cancel()
                raise ConnectionFailed(name, missing, hint="dask worker … --resources 'LABEL-VALUE=TARGETS_AT_ONCE'")
        answer: bytes = future.result(timeout=SILENCE)
        return answer


@contextmanager
def connected(
    cluster: Cluster, *, run: str, options: Options, parallel: int, index: str,
    resources: Mapping[str, Mapping[str, float]], interruption: Interruption,
) -> Iterator[Apply]:  # fmt: skip
    """What applies a plan on a worker of `cluster`, for one run. Raises UsageError, ApplyError."""
    client = _client(cluster)
    from dask import config
    from dask.utils import parse_timedelta

    try:
        watch = Watch(client, run, interruption)
        try:
            failures, ttl = (
                _within(SILENCE, partial(client.run_on_scheduler, config.get, f"distributed.scheduler.{name}"))
                for name in ("allowed-failures", "worker-ttl")
            )
            watch.look()
        except Exception as error:
            raise _unreachable(cluster, error) from None
        if failures != 0:
            raise UsageError(
                f"the scheduler at {cluster.address} runs a task again whose worker has ended, {failures} times",
                hint="start it so that it does not: DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0 dask scheduler …",
            )
        if not ttl or parse_timedelta(ttl) > WORKER_SILENCE:
            when = f"after {ttl}" if ttl else "never"
            raise UsageError(
                f"the scheduler at {cluster.address} gives up a worker that says nothing {when}",
                hint="start it so that it does earlier: DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=60s dask scheduler …",
            )
        cluster.expect_spoken_to_alike(watch.addresses)
        watch.start()
        with closing(watch):
            yield DaskCluster(
                client, watch, run=run, options=options, parallel=parallel, index=index, resources=resources
            ).apply
    finally:
        client.close(timeout=BETWEEN_LOOKS)


def _client(cluster: Cluster) -> Client:
    try:
        from distributed import Client
        from distributed.security import Security
    except ImportError:
        raise UsageError("--executor dask:… needs Dask", hint="pip install 'reconciler[dask]'") from None
    # What it says of connections is said by us, once, and as an error.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    files = cluster.certificates
    try:
        security = Security(
            require_encryption=True,
            tls_ca_file=str(files.authority), tls_client_cert=str(files.own), tls_client_key=str(files.key),
        ) if files else Security(require_encryption=False)  # fmt: skip
        return _within(
            2 * CONNECTING, lambda: Client(cluster.address, security=security, timeout=CONNECTING, set_as_default=False)
        )
    except Exception as error:  # of sockets, TLS and files, as Dask wraps them
        raise _unreachable(cluster, error) from None


def _within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns. Raises whatever it does, and TimeoutError where it takes longer: Dask waits without a limit
    for the first words of whoever has accepted a connection."""
    answer: Promise[T] = Promise()

    def ask() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True, name="first words of the scheduler").start()
    try:
        return answer.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"it has said nothing for {seconds:.0f} s") from None


def _not_reached(name: str, message: str, *, silent: bool) -> ConnectionFailed:
    """The worker's error, which begins with the name as well."""
    return ConnectionFailed(name, message.removeprefix(f"{name}: "), silent=silent)


def _unreachable(cluster: Cluster, error: Exception) -> ApplyError:
    said = " ".join(str(error).split()) or type(error).__name__
    return ApplyError(f"the scheduler at {cluster.address} cannot be spoken to: {said}", hint="nothing was run")


def _lost() -> ApplyError:
    return ApplyError("the scheduler is gone: what became of it is not known here", hint=NEXT_RUN)
