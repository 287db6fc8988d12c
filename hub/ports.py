"""TCP ports of this machine: which are free, and one that stays free for a server that restarts."""

import random
import socket
from pathlib import Path

PORTS_FROM = 12_000
PORT_TRIES = 200
DIALLED = Path("/proc/sys/net/ipv4/ip_local_port_range")  # what the system hands to whoever dials out


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody has.

    It is none of those the system hands to whoever dials out: a server that restarts would find its port taken by a
    caller, or by a client of its own that dialled it meanwhile and reached itself.
    """
    room = range(PORTS_FROM, _first_dialled())
    for port in random.SystemRandom().sample(room, min(PORT_TRIES, len(room))):
        if is_free("127.0.0.1", port):
            return port
    with socket.socket() as probe:  # no room below: any will do
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now; connections of one before that fade away do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _first_dialled() -> int:
    try:
        return int(DIALLED.read_text().split()[0])
    except (OSError, ValueError, IndexError):  # not Linux
        return PORTS_FROM
