"""Work in a process of its own, which takes along all memory that it held when it ends."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any

SECONDS_TO_END = 30

Report = Callable[..., bool]
"""Told how far work has come; returns whether to go on."""


class WorkError(RuntimeError):
    """Work in a process of its own has failed.

    Attributes:
        kind: Name of the exception's class; empty where the process ended without one.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class _Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The work is not to go on."""


def run_apart(work: Callable[..., Any], *arguments: Any, report: Report) -> Any:
    """Call a function in a fresh process, and talk to it while it works.

    TensorFlow gives memory back to the system only when its process ends. A process that is started
    anew, and not forked, shares nothing with ours. It ends when ours does, also where ours is
    killed.

    Args:
        work: A function of a module. Its first argument is a report to be called now and then with
            whatever ``report`` takes; it raises where the work is not to go on.
        arguments: Its other arguments.
        report: Called in this process.

    Returns:
        What ``work`` returns; None where it was told not to go on.

    Raises:
        WorkError: The function raised, or its process was killed.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(theirs, work, arguments), daemon=True)
    process.start()
    theirs.close()
    has_ended = False
    try:
        while True:
            kind, content = ours.recv()
            has_ended = kind != "report"
            if not has_ended:
                ours.send(report(*content))
            elif kind == "result":
                return content
            else:
                raise WorkError(*content)
    except EOFError:
        process.join()
        raise WorkError(
            f"its process ended with code {process.exitcode}: where it was killed, there may be "
            "too little memory"
        ) from None
    finally:
        ours.close()
        if has_ended:
            process.join(SECONDS_TO_END)
        process.kill()
        process.join()


def _answer(connection: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Work, and send what comes of it: in the new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    logging.disable(logging.INFO)  # that is said by who hears our reports
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def report(*content: Any) -> None:
        connection.send(("report", content))
        if not connection.recv():
            raise _Stopped

    try:
        connection.send(("result", work(report, *arguments)))
    except _Stopped:
        connection.send(("result", None))
    except (EOFError, BrokenPipeError):
        return  # nobody waits for us any more
    except Exception as error:
        connection.send(("error", (str(error), type(error).__name__)))


def _end_with_parent() -> None:
    """End at once when who started us is no more: the next run may be at work already."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
