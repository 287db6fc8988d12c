"""Where a bench plays: a folder that is gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """A folder of the bench's own below /tmp, where PostgreSQL's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix=f"carehub-{name}-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
