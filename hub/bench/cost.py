"""CPU time of processes and of whole families of them, out of /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
UTIME, STIME, CUTIME, CSTIME = 11, 12, 13, 14  # fields of /proc/<pid>/stat after the command
PARENT = 1


def cpu_s(pid: int) -> float:
    """Return the CPU seconds one process has used, all its threads together."""
    fields = _stat(pid)
    return (int(fields[UTIME]) + int(fields[STIME])) / TICKS


def family_cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, its living children, and the children that have ended."""
    while True:
        try:
            living = sum([cpu_s(child) for child in children(pid)])
        except (FileNotFoundError, ProcessLookupError):
            continue  # one has ended since it was found: its parent has its seconds now
        own = _stat(pid)
        return (int(own[CUTIME]) + int(own[CSTIME])) / TICKS + cpu_s(pid) + living


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int(_stat(int(entry.name))[PARENT]) == pid:
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What the measured processes had used, and how far the messages had come, at one moment."""

    at_s: float
    sent: int
    stored: int
    cpu_s: dict[str, float]

    def since(self, before: "Snapshot") -> dict[str, float]:
        """Return CPU µs a stored message of each process, and what was offered and stored a second."""
        seconds = self.at_s - before.at_s
        stored = max(1, self.stored - before.stored)
        used = {f"{who}_us_per_msg": (self.cpu_s[who] - before.cpu_s[who]) / stored * 1e6 for who in self.cpu_s}
        return {
            **used,
            "offered_per_s": (self.sent - before.sent) / seconds,
            "stored_per_s": (self.stored - before.stored) / seconds,
        }
