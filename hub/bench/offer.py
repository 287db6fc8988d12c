"""The load generator as a process beside what is measured: started, watched through a page of shared memory, ended."""

import contextlib
import mmap
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

from hub.bench import load
from hub.errors import HubError

CONNECT_LIMIT_S = 60.0
END_LIMIT_S = 60.0


@dataclass
class Offer:
    """A generator at work."""

    process: subprocess.Popen[bytes]
    shared: mmap.mmap

    def _counters(self) -> tuple[int, int, int, int]:
        ready, sent, acknowledged, ended = load.COUNTERS.unpack_from(self.shared)
        return int(ready), int(sent), int(acknowledged), int(ended)

    @property
    def ready(self) -> bool:
        """All its connections stand."""
        return self._counters()[0] == 1

    @property
    def sent(self) -> int:
        return self._counters()[1]

    @property
    def acknowledged(self) -> int:
        return self._counters()[2]

    @property
    def ended(self) -> bool:
        """Everything was acknowledged, or nobody waits for it any more."""
        return self._counters()[3] == 1

    def check(self) -> None:
        """Raise if the generator has failed: what is measured beside it would mean nothing."""
        if self.process.poll() not in (None, 0):
            raise HubError(f"the load generator ended with {self.process.returncode}")

    def wait_ended(self) -> None:
        """Return when it has ended by itself."""
        deadline = time.monotonic() + END_LIMIT_S
        while not self.ended:
            self.check()
            if time.monotonic() > deadline:
                raise HubError(f"the load generator did not end within {END_LIMIT_S:.0f} s")
            time.sleep(0.05)


@contextlib.contextmanager
def offered(port: int, rate: float, seconds: float, connections: int, devices: int = 0) -> Iterator[Offer]:
    """Offer `rate` messages a second for so long, over so many connections; with `devices`, each is a gateway."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(load.COUNTERS.size))
        file.flush()
        words = [port, rate, seconds, connections, file.name, *([devices] if devices else [])]
        process = subprocess.Popen([sys.executable, "-m", "hub.bench.load", *map(str, words)])
        with mmap.mmap(file.fileno(), 0) as shared:
            offer = Offer(process=process, shared=shared)
            try:
                deadline = time.monotonic() + CONNECT_LIMIT_S
                while not offer.ready:
                    offer.check()
                    if time.monotonic() > deadline:
                        raise HubError("the load generator did not get its connections")
                    time.sleep(0.02)
                yield offer
                offer.check()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                process.wait()
