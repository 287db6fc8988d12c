"""The supervisor: a role that ends is started again, a role that cannot start says why, nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.ports import free_port
from hub.supervisor import Child, NotReadyError, Supervisor
from tests.patience import PATIENCE_S


def child(folder: Path, name: str, code: str, ready_url: str | None = None) -> Child:
    command = [sys.executable, "-c", code]
    return Child(name=name, command=command, environ=os.environ, log_path=folder / f"{name}.log", ready_url=ready_url)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    boss = Supervisor(tmp_path)
    yield boss
    boss.stop()


def until(happened: Callable[[], bool], step: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        step()
        time.sleep(0.02)


def test_killed_role_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    role = child(tmp_path, "ingest", "import time; time.sleep(600)")
    supervisor.add(role)
    assert role.process is not None
    first = role.process.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: role.starts == 2 and role.alive(), supervisor.watch)
    assert role.process.pid != first
    assert f'"ingest": {role.process.pid}' in (tmp_path / "pids.json").read_text()


ANSWERS = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def test_frozen_role_is_killed_and_started_again(tmp_path: Path) -> None:
    boss = Supervisor(tmp_path, listen_every_s=0.05, silences=2)
    port = free_port()
    role = child(tmp_path, "dispatch", ANSWERS)
    role.command.append(str(port))
    role.alive_url = f"http://127.0.0.1:{port}/healthz"
    try:
        boss.add(role)
        until(lambda: role.answered, boss.watch)
        assert role.process is not None
        os.kill(role.process.pid, signal.SIGSTOP)
        until(lambda: role.starts == 2 and role.answered, boss.watch)
        assert role.silences == 0
    finally:
        boss.stop()


BLOCKED = """
import asyncio, sys, time
from hub import metrics
from hub.pulse import beating

async def role():
    async with beating() as pulse:
        with metrics.serve("127.0.0.1", int(sys.argv[1]), lambda: None, pulse.standing):
            print("up", flush=True)
            await asyncio.sleep(1)
            time.sleep(600)  # the loop is blocked for good; the thread that serves the pages is not

asyncio.run(role())
"""


def test_role_whose_event_loop_is_blocked_is_killed_and_started_again(tmp_path: Path) -> None:
    boss = Supervisor(tmp_path, listen_every_s=0.2, silences=2)
    port = free_port()
    role = child(tmp_path, "ingest", BLOCKED)
    role.command.append(str(port))
    role.alive_url = f"http://127.0.0.1:{port}/healthz"
    try:
        boss.add(role)
        until(lambda: role.answered, boss.watch)
        until(lambda: role.starts == 2, boss.watch)
    finally:
        boss.stop()


def test_role_that_has_not_answered_yet_is_starting_and_does_not_hang(tmp_path: Path) -> None:
    boss = Supervisor(tmp_path, listen_every_s=0.01, silences=2)
    role = child(tmp_path, "ingest", "import time; time.sleep(600)")
    role.alive_url = f"http://127.0.0.1:{free_port()}/healthz"
    try:
        boss.add(role)
        for _ in range(5):
            role.listen()
            boss.watch()
        assert role.starts == 1
    finally:
        boss.stop()


def test_role_that_hangs_before_its_first_answer_is_started_again_after_a_while(tmp_path: Path) -> None:
    boss = Supervisor(tmp_path, listen_every_s=0.01, silences=2, silent_starts=200)
    port, first = free_port(), tmp_path / "first"
    hangs = f"import os, signal\nif not os.path.exists({str(first)!r}):\n    open({str(first)!r}, 'w').close()\n"
    role = child(tmp_path, "console", f"{hangs}    os.kill(os.getpid(), signal.SIGSTOP)\n{ANSWERS}")
    role.command.append(str(port))
    role.alive_url = f"http://127.0.0.1:{port}/healthz"
    try:
        boss.add(role)
        until(lambda: role.answered, boss.watch)
        assert role.starts >= 2
    finally:
        boss.stop()


def test_role_that_keeps_ending_is_started_ever_more_rarely(supervisor: Supervisor, tmp_path: Path) -> None:
    role = child(tmp_path, "dispatch", "raise SystemExit(3)")
    supervisor.add(role)
    until(lambda: role.starts == 3, supervisor.watch)
    assert role.backoff_s >= 0.4


def test_role_that_cannot_start_says_why(supervisor: Supervisor, tmp_path: Path) -> None:
    role = child(tmp_path, "console", "raise SystemExit('port 8080 is taken')", "http://127.0.0.1:1/readyz")
    supervisor.add(role)
    with pytest.raises(NotReadyError, match="port 8080 is taken"):
        supervisor.wait_ready(role)


def test_stop_ends_every_child_even_a_stubborn_one(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.supervisor.STOP_LIMIT_S", 0.5)
    stubborn = child(
        tmp_path,
        "audit",
        "import signal, time; signal.signal(15, lambda *_: None); print('up', flush=True); time.sleep(600)",
    )
    supervisor.add(stubborn)
    until(lambda: "up" in stubborn.tail())
    assert stubborn.process is not None
    pid = stubborn.process.pid
    supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "pids.json").exists()


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from hub.supervisor import Child, Supervisor;"
        f"s = Supervisor(Path({str(tmp_path)!r}));"
        "s.add(Child(name='x', command=[sys.executable, '-c', 'import time; time.sleep(600)'], environ=os.environ,"
        f" log_path=Path({str(tmp_path)!r}) / 'x.log'));"
        "print(s.children[0].process.pid, flush=True); time.sleep(600)"
    )
    boss = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert boss.stdout is not None
    pid = int(boss.stdout.readline())
    boss.kill()
    boss.wait()
    boss.stdout.close()
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])
