"""An installer registers devices: the secret is shown once and kept as a hash."""

import hashlib

import psycopg
import pytest

from hub.__main__ import main
from hub.commands import devices
from hub.errors import HubError


@pytest.fixture(autouse=True)
def _database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode()).fetchall()


def test_device_add_prints_a_secret_that_only_its_hash_remembers(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert devices.main(["add", "carehub:w-0417", "--room", "bedroom", "--deadline", "600"]) == 0
    printed = capsys.readouterr().out
    secret = printed.split("password  ")[1].split()[0]
    assert len(secret) >= 32
    stored = rows(dsn, "select username, secret_sha256, kind, topic_prefix from credential")
    assert stored == [("w-0417", hashlib.sha256(secret.encode()).digest(), "device", "carehub/w-0417/")]
    assert rows(dsn, "select address, room, deadline_s, state from device") == [
        ("carehub:w-0417", "bedroom", 600, "claimed")
    ]


def test_device_added_again_keeps_its_number_and_gets_a_new_secret(dsn: str) -> None:
    devices.main(["add", "carehub:w-1"])
    before = rows(dsn, "select d.id, secret_sha256 from device d join credential c on c.device_id = d.id")
    devices.main(["add", "carehub:w-1", "--room", "bath"])
    after = rows(dsn, "select d.id, secret_sha256 from device d join credential c on c.device_id = d.id")
    assert before[0][0] == after[0][0]
    assert before[0][1] != after[0][1]


def test_device_of_another_grammar_gets_no_mqtt_credential(dsn: str) -> None:
    devices.main(["add", "watch3g:8800000015"])
    assert rows(dsn, "select count(*) from credential") == [(0,)]


def test_device_for_an_unknown_resident_is_refused_and_nothing_stays(dsn: str) -> None:
    with pytest.raises(HubError, match="no resident 99"):
        devices.main(["add", "carehub:w-2", "--resident", "99"])
    assert rows(dsn, "select count(*) from device") == [(0,)]


@pytest.mark.parametrize("prefix", ["", "/", "home/#", "+/z2m"])
def test_gateway_prefix_that_would_open_everything_is_refused(prefix: str) -> None:
    with pytest.raises(HubError, match="no topic prefix"):
        devices.main(["gateway", "home7", "--prefix", prefix])


def test_gateway_and_list(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    devices.main(["gateway", "home7", "--prefix", "home7/zigbee2mqtt"])
    assert rows(dsn, "select topic_prefix from credential") == [("home7/zigbee2mqtt/",)]
    devices.main(["add", "carehub:w-3"])
    devices.main(["list"])
    assert "carehub:w-3" in capsys.readouterr().out.splitlines()[-1]


def test_address_without_scheme_is_refused() -> None:
    with pytest.raises(HubError, match="write scheme:native"):
        devices.main(["add", "w-0417"])


def test_database_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    assert main(["devices", "list"]) == 2
    assert capsys.readouterr().err.startswith("carehub devices: the database does not answer: ")


def test_no_database_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREHUB_DATABASE_DSN")
    with pytest.raises(HubError, match="CAREHUB_DATABASE_DSN"):
        devices.main(["list"])
