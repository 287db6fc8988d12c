"""carehub devices health and deadline, as an administrator reads and says them."""

import psycopg
import pytest

from hub.commands import devices
from hub.errors import HubError
from tests.integration.supervision.conftest import add_device


@pytest.fixture(autouse=True)
def _database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)


def test_health_of_nothing_is_said_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert devices.main(["health"]) == 0
    printed = capsys.readouterr().out
    assert "网关失联 gateways down: 0" in printed
    assert printed.count("(none)") == 5


def test_health_shows_what_is_wrong_and_of_one_model_only_its_own(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    bridge = add_device(dsn, "z2m:h/zigbee2mqtt/bridge")
    watch = add_device(dsn, "watch3g:8800000015", model="SG-20")
    button = add_device(dsn, "z2m:h/zigbee2mqtt/SOS", model="TS0215A")
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into gateway_loss (gateway, device_id, why, began_at, found_at, members, silent)"
            " values ('z2m:h/zigbee2mqtt/bridge', %s, 'said', now(), now(), 40, 0)", (bridge,),
        )  # fmt: skip
        conn.execute(
            "insert into device_silence (device_id, since, found_at) values (%s, now() - interval '3 hours', now())",
            (watch,),
        )
        conn.execute(
            "insert into device_battery (device_id, level_pct, at, forecast, flat_on, stale)"
            " values (%s, 12, now(), 'falling', current_date + 6, false)", (button,),
        )  # fmt: skip
        conn.execute("insert into first_attempt values (current_date, 'TS0215A', '', 40, 8, 1, 10, 1, 1)")
    assert devices.main(["health"]) == 0
    printed = capsys.readouterr().out
    assert "自报离线 says so" in printed
    assert "15 min (手表 watch)" in printed
    assert "12 %" in printed
    assert "20.0 %" in printed
    devices.main(["health", "--model", "SG-20"])
    printed = capsys.readouterr().out
    assert "watch3g:8800000015" in printed
    assert "TS0215A" not in printed


@pytest.mark.parametrize("command", ["health", "visits", "falls"])
def test_area_without_a_device_is_refused_with_the_areas_there_are(dsn: str, command: str) -> None:
    device = add_device(dsn, "watch3g:8800000015", model="SG-20")
    with psycopg.connect(dsn, autocommit=True) as conn:
        her = "insert into resident (name, area, created_at) values ('王', '和平社区', now()) returning id"
        conn.execute(
            f"with r as ({her}) update device set resident_id = r.id from r where device.id = {device}".encode()
        )
    with pytest.raises(HubError, match=r"no device of area 'nowhere'; areas there are: 和平社区$"):
        devices.main([command, "--area", "nowhere"])
    assert devices.main([command, "--area", "和平社区"]) == 0


def test_model_nobody_has_is_refused_with_the_models_there_are(dsn: str) -> None:
    add_device(dsn, "watch3g:8800000015", model="SG-20")
    with pytest.raises(HubError, match=r"no device of model 'SG-2'; models there are: SG-20$"):
        devices.main(["health", "--model", "SG-2"])


def test_deadline_of_one_device_is_written_with_who_and_taken_back(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_device(dsn, "watch3g:8800000015")
    assert devices.main(["deadline", "watch3g:8800000015", "3600"]) == 0
    assert "60 min" in capsys.readouterr().out
    assert devices.main(["deadline", "1", "class"]) == 0
    assert "15 min (手表 watch)" in capsys.readouterr().out
    with psycopg.connect(dsn) as conn:
        told = conn.execute("select action, facts ->> 'deadline_s' from device_event order by id").fetchall()
    assert told == [("deadline", "3600"), ("deadline", "class")]
    with pytest.raises(HubError, match="whole seconds"):
        devices.main(["deadline", "1", "soon"])
