"""Processes that a bench starts."""

import contextlib
import subprocess
from collections.abc import Iterator

END_LIMIT_S = 20.0


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End a process when the block ends; one that does not hear is killed."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
