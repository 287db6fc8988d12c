"""An installer registers devices: the secret is shown once and kept as a hash."""

import csv
import hashlib
from pathlib import Path

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
    with pytest.raises(HubError, match="no resident '99'"):
        devices.main(["add", "carehub:w-2", "--resident", "99"])
    assert rows(dsn, "select count(*) from device") == [(0,)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["carehub:a b"], "1 to 64 letters"), (["foo:bar"], "no grammar"),
        (["carehub:w-1", "--deadline", "-5"], "whole seconds from 0"),
    ],
)  # fmt: skip
def test_device_that_could_never_be_heard_is_refused_and_nothing_stays(dsn: str, words: list[str], why: str) -> None:
    with pytest.raises(HubError, match=why):
        devices.main(["add", *words])
    assert rows(dsn, "select count(*) from device") == [(0,)]


def test_gateway_called_like_a_watch_is_refused_and_the_watch_keeps_its_key(dsn: str) -> None:
    devices.main(["add", "carehub:w-0417"])
    before = rows(dsn, "select secret_sha256, kind, topic_prefix from credential")
    with pytest.raises(HubError, match="something else signs in by it"):
        devices.main(["gateway", "w-0417", "--prefix", "home7/"])
    assert rows(dsn, "select secret_sha256, kind, topic_prefix from credential") == before


def test_device_called_like_a_gateway_is_refused_and_no_key_of_it_or_its_file_is_shown(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    devices.main(["gateway", "home7", "--prefix", "home7/"])
    capsys.readouterr()
    file = tmp_path / "devices.csv"
    file.write_text("address\ncarehub:w-1\ncarehub:home7\n", encoding="utf-8")
    for words in (["add", "carehub:home7"], ["import", str(file)]):
        with pytest.raises(HubError, match="something else signs in by it"):
            devices.main(words)
    assert capsys.readouterr().out == ""
    assert rows(dsn, "select count(*) from device") == [(0,)]


def test_device_is_added_for_a_resident_by_name(dsn: str) -> None:
    number = given(dsn)
    devices.main(["add", "carehub:w-2", "--resident", "长者甲"])
    assert rows(dsn, "select resident_id from device") == [(number,)]


def test_file_that_cannot_be_written_and_messages_below_none_are_told_in_words(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    devices.main(["add", "carehub:w-1"])
    for words in (["export"], ["acl", "mosquitto"], ["acl", "emqx"], ["label", "carehub:w-1"]):
        with pytest.raises(HubError, match="cannot be written"):
            devices.main([*words, str(tmp_path / "no folder" / "file")])
    assert devices.main(["show", "carehub:w-1", "--messages", "-1"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("last messages")


@pytest.mark.parametrize("prefix", ["", "/", "home/#", "+/z2m"])
def test_gateway_prefix_that_would_open_everything_is_refused(prefix: str) -> None:
    with pytest.raises(HubError, match="no topic prefix"):
        devices.main(["gateway", "home7", "--prefix", prefix])


@pytest.mark.parametrize("prefix", ["carehub", "carehub/", "carehub//", "carehub/responder/", "carehub/w-0417/"])
def test_gateway_whose_key_would_speak_for_watches_and_responders_is_refused(dsn: str, prefix: str) -> None:
    with pytest.raises(HubError, match="choose another prefix"):
        devices.main(["gateway", "home7", "--prefix", prefix])
    assert rows(dsn, "select count(*) from credential") == [(0,)]
    assert devices.main(["gateway", "home7", "--prefix", "carehub-home7/"]) == 0


def test_gateway_and_list(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    devices.main(["gateway", "home7", "--prefix", "home7/zigbee2mqtt"])
    assert rows(dsn, "select topic_prefix from credential") == [("home7/zigbee2mqtt/",)]
    devices.main(["add", "carehub:w-3"])
    devices.main(["list"])
    assert "carehub:w-3" in capsys.readouterr().out.splitlines()[-1]


def given(dsn: str, name: str = "长者甲") -> int:
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(
            "insert into resident (name, area, created_at) values (%s, '示例社区', now()) returning id", (name,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_device_goes_through_its_life_on_the_command_line(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    given(dsn)
    devices.main(["add", "carehub:w-5", "--model", "W-1"])
    devices.main(["bind", "carehub:w-5", "--resident", "长者甲", "--room", "浴室"])
    printed = capsys.readouterr().out
    assert "未生效 not in effect" in printed
    assert "no press has arrived since it was bound" in printed
    with pytest.raises(HubError, match="press it"):
        devices.main(["live", "carehub:w-5"])
    devices.main(["check", "1", "voice", "failed", "--note", "quiet"])
    devices.main(["list", "--state", "bound"])
    assert "1 长者甲" in capsys.readouterr().out
    devices.main(["retire", "1", "--why", "lost"])
    devices.main(["show", "1"])
    shown = capsys.readouterr().out
    actions = rows(dsn, "select action, state from device_event order by id")
    assert actions == [("registered", "claimed"), ("bind", "bound"), ("check", "bound"), ("retire", "retired")]
    assert "lost" in shown
    assert "it is retired" in shown


def test_key_that_is_rotated_is_shown_once_and_the_old_one_is_over(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    devices.main(["add", "carehub:w-6"])
    old = capsys.readouterr().out.split("password  ")[1].split()[0]
    devices.main(["rotate", "carehub:w-6"])
    new = capsys.readouterr().out.split("password  ")[1].split()[0]
    assert new != old
    assert rows(dsn, "select secret_sha256 from credential") == [(hashlib.sha256(new.encode()).digest(),)]
    assert rows(dsn, "select action from device_event where action = 'credential'") == [("credential",)]
    devices.main(["add", "watch3g:8800000015"])
    with pytest.raises(HubError, match="does not sign in by itself"):
        devices.main(["rotate", "watch3g:8800000015"])


def test_file_with_faults_is_told_them_all_and_nothing_is_taken(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("address,resident,deadline_s\nw-1,,\ncarehub:w-2,长者乙,-1\nnone:x,,\n", encoding="utf-8")
    assert devices.main(["import", str(file)]) == 1
    lines = [line.partition("devices.csv:")[2].partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["2", "3", "3", "4", ""]
    assert rows(dsn, "select count(*) from device") == [(0,)]


def test_file_taken_and_given_back_is_the_same_and_keys_in_use_stay(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given(dsn)
    file, back = tmp_path / "devices.csv", tmp_path / "back.csv"
    file.write_text(
        "address,model,resident,room,deadline_s\ncarehub:w-1,W-1,1,浴室,600\nlorawan:70b3d57ed0060b32,WS101,,,\n",
        encoding="utf-8",
    )
    assert devices.main(["import", str(file)]) == 0
    assert len(capsys.readouterr().out.splitlines()[1].split(",")[3]) >= 32
    assert devices.main(["export", str(back)]) == 0
    assert back.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")
    before = rows(dsn, "select secret_sha256 from credential")
    assert devices.main(["import", str(back)]) == 0
    assert rows(dsn, "select secret_sha256 from credential") == before
    assert rows(dsn, "select state from device order by id") == [("bound",), ("claimed",)]


def test_room_that_a_spreadsheet_would_run_is_guarded_in_the_file_and_itself_again_when_taken(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-2+3", "'=1", "\t=1", "-3.5", "浴室"]
    for number, room in enumerate(rooms):
        devices.main(["add", f"carehub:w-{number}", f"--room={room}"])
    before, back = rows(dsn, "select address, room from device order by id"), tmp_path / "back.csv"
    assert devices.main(["export", str(back)]) == 0
    with back.open(encoding="utf-8", newline="") as file:
        cells = [line["room"] for line in csv.DictReader(file)]
    assert cells == [*(f"'{room}" for room in rooms[:6]), "-3.5", "浴室"]
    assert devices.main(["import", str(back)]) == 0
    after = rows(dsn, "select address, room from device order by id")
    assert after == [(address, str(room).strip()) for address, room in before], "import has always taken off blanks"
    with pytest.raises(SystemExit):
        devices.main(["export", "--help"])
    assert "import takes it off" in " ".join(capsys.readouterr().out.split())


def test_rights_and_label_are_written_to_files(dsn: str, tmp_path: Path) -> None:
    devices.main(["add", "carehub:w-1"])
    devices.main(["add", "carehub:w-2"])
    devices.main(["retire", "carehub:w-2"])
    for what in (["acl", "emqx"], ["acl", "mosquitto"], ["label", "carehub:w-1"]):
        assert devices.main([*what, str(tmp_path / what[-1].replace(":", "-"))]) == 0
    assert (tmp_path / "emqx").read_text().splitlines()[1:] == [
        '{allow, {username, "w-1"}, all, ["carehub/w-1/#"]}.', "{deny, all}."
    ]  # fmt: skip
    assert '"disableClient", "username": "w-2"' in (tmp_path / "mosquitto").read_text()
    assert (tmp_path / "carehub-w-1").read_text().startswith("<svg")


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


def supervisor(dsn: str, name: str = "主管甲") -> int:
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(
            "insert into person (name, role, created_at) values (%s, 'supervisor', now()) returning id", (name,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_whoever_registers_tests_and_issues_keys_stands_in_the_history(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    who, resident = supervisor(dsn), given(dsn)
    devices.main(["add", "carehub:w-1", "--resident", str(resident), "--room", "浴室", "--by", "主管甲"])
    devices.main(["test", "carehub:w-1", "--minutes", "5", "--by", str(who)])
    devices.main(["test", "1", "--minutes", "0"])
    told = rows(dsn, "select action, actor, facts from device_event order by id")
    assert told[:2] == [
        ("registered", f"person:{who}", {"resident": resident, "room": "浴室"}),
        ("test_mode", f"person:{who}", {"minutes": 5}),
    ]
    assert told[2][0] == "test_mode"
    assert str(told[2][1]).startswith("command:")
    devices.main(["gateway", "home7", "--prefix", "home7/zigbee2mqtt", "--by", "主管甲"])
    secret = capsys.readouterr().out.split("password  ")[-1].split()[0]
    devices.main(["gateway", "home7"])
    shown = capsys.readouterr().out
    assert f"person:{who}" in shown
    assert secret not in shown
    with pytest.raises(HubError, match="nobody active is called"):
        devices.main(["add", "carehub:w-2", "--by", "谁"])
    assert rows(dsn, "select count(*) from device") == [(1,)]


def test_gateway_that_is_none_is_told_how_it_is_made(dsn: str) -> None:
    with pytest.raises(HubError, match="--prefix"):
        devices.main(["gateway", "nobody"])


def test_long_list_comes_in_pages_and_says_how_to_go_on(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    resident = given(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into device (address, model, state, resident_id, created_at)"
            " select 'z2m:home' || mod(n, 3) || '/b' || n, 'TS0215A',"
            " case when mod(n, 2) = 0 then 'seen' else 'live' end, case when n = 7 then %s::bigint end, now()"
            " from generate_series(1, 250) n",
            (resident,),
        )

    def listed(*words: str) -> list[str]:
        devices.main(["list", *words])
        return capsys.readouterr().out.splitlines()[1:]

    first = listed()
    assert len(first) == 101
    assert first[-1].startswith("and more (125 live, 125 seen in all): --after 100")
    assert len(listed("--after", "200")) == 50
    assert [line.split()[2] for line in listed("--resident", "长者甲")] == ["z2m:home1/b7"]
    assert len(listed("--below", "z2m:home2/", "--state", "seen", "--limit", "1000")) == 42
    assert len(listed("--model", "ts02", "--limit", "3")) == 4
    assert len(listed("--silent", "1", "--limit", "250")) == 250
    with pytest.raises(HubError, match="--limit"):
        listed("--limit", "0")
