"""The release before this one, out of the history: what two of them do side by side is tried with its very code."""

import subprocess
from pathlib import Path

import pytest

# Nothing was tagged before 0.1 went out: its last migration is 0020, and this is the last commit that had no other.
PREVIOUS = "da0f917"
LAST_MIGRATION = "0020"
ROOT = Path(__file__).resolve().parents[1]


def unpack(into: Path) -> Path:
    """Write the previous release's files into a folder and return it; without a history the test is skipped."""
    made = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=False)
    if made.returncode:
        why = f"the history does not reach back to {PREVIOUS} (git fetch --unshallow): {made.stderr.decode()[:200]}"
        pytest.skip(why)
    subprocess.run(["tar", "-x", "-C", str(into)], input=made.stdout, check=True)
    return into
