"""A port for a server that restarts: nobody has it, and nobody is handed it for a call of theirs."""

import socket
from pathlib import Path

import pytest

from hub import ports
from hub.ports import free_port, is_free


def test_port_is_none_of_those_a_caller_is_handed() -> None:
    first = int(ports.DIALLED.read_text().split()[0])
    assert all(ports.PORTS_FROM <= free_port() < first for _ in range(50))


def test_port_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_free("127.0.0.1", taken.getsockname()[1])


def test_port_of_a_server_that_just_went_is_free_again() -> None:
    with socket.socket() as server, socket.socket() as caller:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", free_port()))
        server.listen()
        port = server.getsockname()[1]
        caller.connect(("127.0.0.1", port))
        server.accept()[0].close()  # this side closes first: its address fades away for a minute
    assert is_free("127.0.0.1", port)


@pytest.mark.parametrize("said", ["", "1024 60999", "words"])
def test_where_there_is_no_room_below_any_free_port_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    (tmp_path / "range").write_text(said)
    monkeypatch.setattr(ports, "DIALLED", tmp_path / "range")
    assert is_free("127.0.0.1", free_port())
