"""Work that tests do in processes of their own, which import it from here."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from galaxy_morphology.tuning import Report

MEGABYTES = 300


def go_on(*_: Any) -> bool:
    return True


def count(report: Report, n: int, modules: tuple[str, ...]) -> dict[str, Any]:
    """Report numbers, and tell where that was."""
    for i in range(n):
        report(i, i / 2)
    return {"process": os.getpid(), "loaded": [name for name in modules if name in sys.modules]}


def fill_memory(report: Report) -> Any:
    """Fill some memory, and end."""
    return float(np.ones((MEGABYTES, 2**17)).sum())


def fail(report: Report) -> None:
    """Fail as a training that diverges does."""
    raise FloatingPointError("the logits are no longer numbers")


def be_killed(report: Report) -> None:
    """End as where memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait(report: Report, file: str) -> None:
    """Say who waits, and wait."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(120)
