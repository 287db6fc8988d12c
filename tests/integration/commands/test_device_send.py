"""What a device is told from the command line, and the list of it."""

import psycopg
import pytest

from hub.__main__ import main
from hub.commands import devices
from hub.commands.device_send import order
from hub.errors import HubError
from hub.refusals import Refused

WATCH = "watch3g:8800000017"


@pytest.fixture(autouse=True)
def _watch(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    devices.main(["add", WATCH])


def told(dsn: str) -> list[tuple[str, str, bytes]]:
    with psycopg.connect(dsn) as conn:
        rows = conn.execute(
            "select c.what, c.asked_by, d.payload from device_command c join downlink d on d.id = c.downlink_id"
            " order by c.id"
        ).fetchall()
    return [(what, by, bytes(payload)) for what, by, payload in rows]


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        (["locate"], b"[3G*8800000017*0002*CR]"),
        (["measure"], b"[3G*8800000017*000A*hrtstart,1]"),
        (["call", "+8621"], b"[3G*8800000017*000A*CALL,+8621]"),
        (["interval", "300"], b"[3G*8800000017*000A*UPLOAD,300]"),
        (["interval", "600", "heart-rate"], b"[3G*8800000017*000C*hrtstart,600]"),
        (["contacts", "120", "110"], b"[3G*8800000017*000C*SOS,120,110,]"),
        (["find"], b"[3G*8800000017*0004*FIND]"),
        (["reboot"], b"[3G*8800000017*0005*RESET]"),
        (["say", "收到"], b"[3G*8800000017*0010*MESSAGE,65365230]"),
    ],
)
def test_order_is_put_on_its_way(dsn: str, words: list[str], frame: bytes) -> None:
    assert devices.main(["send", WATCH, *words]) == 0
    ((what, by, payload),) = told(dsn)
    assert (what, payload) == (words[0], frame)
    assert by.startswith("command:")


def test_list_says_who_asked_for_what_and_what_became_of_it(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    devices.main(["send", WATCH, "interval", "600", "heart-rate"])
    devices.main(["send", WATCH, "say", "女儿马上到"])
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "update device_command set sent_at = hub_now(), answered_at = hub_now(), answer = 'hrtstart' where id = 1"
        )
    capsys.readouterr()
    assert devices.main(["sent", WATCH]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()[-2:]
    assert "say 女儿马上到" in newest
    assert "waiting" in newest
    assert "interval 600 heart-rate" in oldest
    assert "answered" in oldest
    assert "hrtstart" in oldest


def test_command_has_one_number_here_and_on_the_device(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    devices.main(["add", "carehub:w1"])
    devices.main(["send", "carehub:w1", "locate"])
    assert "command 1: waits" in capsys.readouterr().out
    assert b'"number":1}' in told(dsn)[0][2]
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("alter table device_command alter id restart with 65540")
    devices.main(["send", "carehub:w1", "find"])
    assert "command 65540 (to the device 5): waits" in capsys.readouterr().out
    assert b'"number":5}' in told(dsn)[1][2]
    devices.main(["sent", "carehub:w1"])
    assert "65540 (to the device 5)" in capsys.readouterr().out


def test_waiting_for_a_watch_that_is_away_ends_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert devices.main(["send", WATCH, "locate", "--wait", "1"]) == 1
    assert "waiting" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["dance"], ["call"], ["call", "120]"], ["interval", "5"], ["interval", "soon"], ["measure", "mood"], ["say"],
     ["locate", "now"], ["contacts", "120", "#"]],
)  # fmt: skip
def test_what_is_no_order_is_refused_with_what_is_one(dsn: str, words: list[str]) -> None:
    with pytest.raises(HubError, match=r"no order|no telephone number|no interval"):
        order(words)
    assert main(["devices", "send", WATCH, *words]) != 0
    assert told(dsn) == []


def test_device_without_words_for_it_is_refused(dsn: str) -> None:
    devices.main(["add", "gps103:862000000000017"])
    with pytest.raises(Refused, match="no words for reboot"):
        devices.main(["send", "gps103:862000000000017", "reboot"])
    assert told(dsn) == []


def test_person_who_asked_is_named(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into person (name, role, phone, language, created_at)"
            " values ('李坐席', 'operator', '', 'zh-CN', hub_now())"
        )
    devices.main(["send", WATCH, "locate", "--by", "李坐席"])
    assert told(dsn)[0][1].startswith("person:")
