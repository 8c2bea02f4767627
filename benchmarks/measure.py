"""One piece of work in a process of its own: how long it took, and its peak memory.

``python -m benchmarks.measure ours reading FOLDER '{"n_galaxies": 2000}'`` prints a line of JSON.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

MARK = "RESULT "


def measure(side: str, work: str, folder: Path, **arguments: Any) -> dict[str, Any]:
    """Do a piece of work in a new process.

    Args:
        side: ``original`` or ``ours``: the module.
        work: The function in it.
        folder: What it works on.
        arguments: Of the function.

    Returns:
        What the function returns, and ``peak_memory`` in bytes.

    Raises:
        RuntimeError: The process failed; holds the end of what it said.
    """
    command = [sys.executable, "-m", "benchmarks.measure", side, work, str(folder)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*command, json.dumps(arguments)], capture_output=True, text=True, env=environment
    )
    results = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not results:
        said = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}:\n{said}")
    result: dict[str, Any] = json.loads(results[0].removeprefix(MARK))
    return result


def timed(work: Callable[[], Any], calls: int = 1) -> dict[str, list[float]]:
    """Seconds of the first call and, where its start weighs, of one after it."""
    seconds = []
    for _ in range(calls):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds}


class PeakMemory:
    """Watches the memory of this process that the system cannot take back.

    Pages of memory-mapped files do not count: they are dropped as soon as somebody needs room.
    Where the system does not tell them apart (anywhere but on Linux), they do.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.bytes = max(self.bytes, _own_memory())


def _own_memory() -> int:
    """Bytes of this process that are backed by no file."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return 1024 * sum(int(lines[name].split()[0]) for name in ("RssAnon", "RssShmem"))


def _main(side: str, work: str, folder: str, arguments: str) -> None:
    function = getattr(import_module(f"benchmarks.{side}"), work)
    with PeakMemory() as peak:
        result = function(Path(folder), **json.loads(arguments))
    print(MARK + json.dumps({**result, "peak_memory": peak.bytes}), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
