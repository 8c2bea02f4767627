"""What Kedro and the project say of a run, and where."""

import logging
import os
import sys
from typing import Any

from galaxy_morphology.progress import in_notebook

LINE = {"format": "%(asctime)s %(levelname)-7s %(message)s", "datefmt": "%Y-%m-%d %H:%M:%S"}
# Of an error, what matters is its text, at the end.
IN_COLOUR = {
    "class": "kedro.logging.RichHandler",
    "rich_tracebacks": True,
    "show_path": False,
    "tracebacks_max_frames": 4,
    "tracebacks_extra_lines": 0,
}
IN_LINES = {
    "class": "logging.StreamHandler",
    "stream": "ext://sys.stdout",
    "formatter": "line",
}


def set_up() -> None:
    """Log to standard output: in colour in a terminal or notebook, else a line for each message.

    Kedro itself looks for ``conf/logging.yml`` where one stands, and folds lines at 80 columns
    where there is no terminal. Who sets ``KEDRO_LOGGING_CONFIG`` keeps what it names.
    """
    from kedro.framework.project import LOGGING

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # class names are in any script, whatever the locale
            stream.reconfigure(encoding="utf-8")
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # where nobody reads the logs any more, a run goes on
    if "KEDRO_LOGGING_CONFIG" not in os.environ:
        is_interactive = sys.stdout.isatty() or in_notebook()
        LOGGING.configure(configuration(IN_COLOUR if is_interactive else IN_LINES))


def configuration(handler: dict[str, Any]) -> dict[str, Any]:
    """A configuration of Python's logging: nodes and epochs, but not single loads and saves.

    Args:
        handler: Configuration of the handler to log with.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": LINE},
        "handlers": {"console": handler},
        "loggers": {
            "kedro": {"level": "INFO"},
            "kedro.io": {"level": "WARNING"},
            "kedro.validation": {"level": "CRITICAL"},  # what it finds is said at the end
            "kedro_viz": {"level": "ERROR"},  # a packaged project has no place for its statistics
            "galaxy_morphology": {"level": "INFO"},
        },
        "root": {"handlers": ["console"]},
    }
