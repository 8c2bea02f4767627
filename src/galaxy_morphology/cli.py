"""``kedro run`` of this project: Kedro's own, but that an error ends in its text."""

import copy
import dis
import logging
import re
import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.io import DatasetError
from kedro.utils import load_obj

logger = logging.getLogger(__name__)

SPEAKING_PACKAGES = {"galaxy_morphology", "kedro", "omegaconf", "yaml"}
"""Packages whose errors are written for those who set parameters, paths and options."""
FAULTS = (AssertionError, LookupError, NotImplementedError)
"""Errors that say something about a program, whoever raises them."""
NAMES = load_obj.__code__
"""Where Kedro looks up a runner by the name that a user gave it."""
SHORTER = {
    r"Failed to instantiate \w+ for parameter '[^']*': \d+ validation errors? for \w+": "",
    r"\n +For further information visit \S+": "",
    r"Value error, (.*) \[type=value_error.*\]": r"\1",
    r" \[type=\w+, input_value=(.*), input_type=\w+\]": r", but found \1",
}
"""What pydantic says of parameters, and what of it helps."""


@click.group(name="galaxy_morphology")
def cli() -> None:
    """Classify galaxy cut-outs with a network that explains itself."""


def ending_in_a_sentence(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let an error that a user can act on end a command with its text and exit code 1.

    Whatever else goes wrong is a fault of the program, and keeps its traceback; ``--verbose``
    shows those of all.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            result = function(*args, **kwargs)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            raise  # click ends quietly where nobody reads on, as `head` does
        except Exception as error:
            text = text_for_user(error)
            if text is None:
                raise
            logger.debug("The whole error:", exc_info=True)
            raise click.ClickException(text) from error

    return call


def text_for_user(error: BaseException) -> str | None:
    """What to tell a user of an error, None where it is a fault of the program.

    A user can act on errors of the operating system (no space, no permission), and on what this
    project or Kedro raises on purpose. What Kedro raises because a dataset failed is judged by
    why it failed.

    Args:
        error: An error that has been raised.
    """
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, FileNotFoundError):
        return f"There is no {error.filename or error}: run first what writes it."
    if isinstance(error, OSError):
        return str(error)
    package = _raised_by(error.__traceback__)
    if package not in SPEAKING_PACKAGES or isinstance(error, FAULTS):
        return None
    if package == "kedro" and isinstance(error, DatasetError) and error.__cause__ is not None:
        return text_for_user(error.__cause__)
    text = str(error).strip()
    for pattern, words in SHORTER.items():
        text = re.sub(pattern, words, text)
    return text


def _raised_by(traceback: TracebackType | None) -> str:
    """The package whose ``raise`` began an error, empty where Python itself did."""
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    if dis.opname[code.co_code[traceback.tb_lasti]] != "RAISE_VARARGS" and code is not NAMES:
        return ""
    return str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _say_more(context: click.Context, parameter: click.Parameter, verbose: bool) -> None:
    if verbose:
        logger.setLevel(logging.DEBUG)


run: click.Command = copy.copy(kedro_run)
assert kedro_run.callback is not None  # noqa: S101 - for mypy
run.callback = ending_in_a_sentence(kedro_run.callback)
run.params = [
    *kedro_run.params,
    click.Option(
        ["--verbose", "-v"], is_flag=True, expose_value=False, callback=_say_more,
        help="Show where in the program an error was raised.",
    ),
]  # fmt: skip
cli.add_command(run)
