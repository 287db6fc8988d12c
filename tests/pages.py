"""What a process of ours says of itself over HTTP."""

import urllib.error
import urllib.request

from tests.patience import PATIENCE_S


def page(port: int, name: str) -> tuple[int, str]:
    """Return status and words of one of its pages; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=PATIENCE_S) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.read().decode()
    except OSError:
        return 0, ""
