"""The makers' byte grammars: damage, memory that is no news, buttons that are held, values that nobody measured."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapter import DecodeError
from devices.adapters.lorawan import makers
from devices.adapters.lorawan.parts import Codec, Frame
from devices.codes import CODES
from devices.telemetry import Observation, Quality, Stage

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)
MODELS = [(codec, model) for codec in makers.CODECS for model in [*codec.models, *(["another"] * codec.others)]]
PORTS = [None, *range(1, 26), 33, 40, 85, 100, 102, 103, 104, 105, 106, 120, 122, 125, 126, 127, 136, 147, 204]


def read(model: str, data: str, port: int | None = None) -> list[Observation]:
    found = makers.find([model])
    assert found is not None, f"nobody makes {model}"
    codec, row = found
    return list(codec.read(Frame(data=bytes.fromhex(data), port=port, model=row, at=NOW)))


def values(model: str, data: str, port: int | None = None) -> dict[str, object]:
    return {seen.code: seen.value for seen in read(model, data, port)}


# ------------------------------------------------------------------------------------------------------- of all of them


@settings(max_examples=1500, deadline=None)
@given(which=st.sampled_from(MODELS), port=st.sampled_from(PORTS), data=st.binary(max_size=60))
def test_any_bytes_of_any_model_are_observations_or_refused(which, port, data) -> None:  # type: ignore[no-untyped-def]
    codec, model = which
    frame = Frame(data=data, port=port, model=model, at=NOW)
    try:
        seen = list(codec.read(frame))
        clock = codec.clock(frame) if codec.clock else None
    except DecodeError:
        return
    assert clock is None or clock.tzinfo
    for one in seen:
        assert one.code in CODES
        assert one.unit in (None, CODES[one.code].unit)


@pytest.mark.parametrize(("codec", "model"), MODELS, ids=lambda one: one if isinstance(one, str) else one.maker)
def test_longest_frame_of_zeros_and_ones_is_answered(codec: Codec, model: str) -> None:
    for filler in (b"\x00", b"\xff", b"\x01", b"\x80"):
        for port in PORTS:
            try:
                list(codec.read(Frame(data=filler * 255, port=port, model=model, at=NOW)))
            except DecodeError:
                continue


def test_every_row_is_found_under_its_maker() -> None:
    for codec in makers.CODECS:
        for model in codec.models:
            assert makers.find([f"{codec.maker}.{model}"]) == (codec, model)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("Milesight WS101-868M", "ws101"),
        ("milesight/EM300-ZLD rev 2", "em300-zld"),
        ("netvox R718WA2", "r718wa2"),
        ("WS101", "ws101"),
        ("Smart Room PIR by Tektelic", "smartroompir"),
        ("Digital Matter Oyster 3", "oyster3"),
        ("watteco.closo_v1.1", "closo-v1-1"),
    ],
)
def test_model_is_found_in_what_people_write(name: str, row: str) -> None:
    found = makers.find([name])
    assert found is not None
    assert found[1] == row


@pytest.mark.parametrize("name", ["class A, EU868", "button", "room 4", "Milesight", "", "sense", "ht", "co2"])
def test_common_words_are_no_model(name: str) -> None:
    assert makers.find([name]) is None


def test_model_of_a_known_maker_that_nobody_knows_says_what_all_of_them_say() -> None:
    seen = values("milesight.xy9", "0175640367d700" + "046850" + "030001", 85)
    assert seen["battery.level"] == 100
    assert seen["env.temperature"] == 21.5
    assert not any(code.startswith(("alarm.", "contact.", "presence.")) for code in seen)


def test_count_out_of_a_memory_is_passed_over_whatever_its_form() -> None:
    for history in ("20ce6920e3b4000300", "20ce6920e3b40101000100"):
        seen = values("milesight.vs321", history + "017552", 85)
        assert seen["battery.level"] == 82


def test_no_file_of_one_grammar_is_a_second_copy_of_another() -> None:
    folder = Path(makers.__file__).parent
    assert len(list(folder.glob("*.py"))) < 30, "a model is a row of a grammar that exists, not another file"


# ------------------------------------------------------------------------------------------------- what a press means


@pytest.mark.parametrize(
    ("model", "port", "data"),
    [
        ("netvox.r312a", 6, "014d011e01000000000000"),
        ("moko.lw004-pb", 1, "580069a1b2c303"),
        ("moko.lw004-pb", 3, "581400006920e3b400"),
        ("moko.lw006-sb", 5, "5869a1b2c30005"),
        ("tektelic.seal", 10, "029501"),
        ("seeed.t1000a", 5, "06000040006920e3b4008225d002d2ad3000fa000a5f"),
        ("globalsat.lt-100", 2, "002e5002d2ad30008225d0"),
        ("abeeway.micro-tracker", 18, "0a005f821007"),
    ],
)
def test_badge_held_for_help_rings(model: str, port: int, data: str) -> None:
    assert values(model, data, port)["alarm.sos"] is True


@pytest.mark.parametrize(
    ("model", "port", "data", "native"),
    [
        ("milesight.ws101", 85, "ff2e01", None),
        ("netvox.r312", 6, "0155012301000000000000", None),
        ("mclimate.multipurpose-button", 2, "01b400f003", "triple"),
        ("iotracker3", 1, "0100c8", "single"),
        ("iotracker3", 1, "1000c820", "long"),
        ("iotracker3", 1, "1100c820", "double"),
        ("ascoel.pb868lr", 40, "010003", None),
        ("swisscom.multisense", 3, "010120c8", None),
    ],
)
def test_plain_button_is_pressed_and_calls_nobody(model: str, port: int, data: str, native: str | None) -> None:
    (press,) = [seen for seen in read(model, data, port) if seen.code == "button.press"]
    assert press.native == native
    assert "alarm.sos" not in values(model, data, port)


def test_each_button_of_a_board_is_its_own() -> None:
    pressed = [seen.channel for seen in read("oxon.buttonboard", "31050000011c6418") if seen.code == "button.press"]
    assert pressed == ["1", "3"]
    assert not [one for one in read("oxon.buttonboard", "31050100011c6418") if one.code == "button.press"]


def test_warning_before_an_alarm_is_suspected() -> None:
    (down,) = [one for one in read("iotracker3", "1000c8800802", 1) if one.code == "alarm.man_down"]
    assert down.stage is Stage.SUSPECTED


# ------------------------------------------------------------------------------------- what is no reading, and no news


def test_strip_that_remembers_gives_the_time_and_is_no_news() -> None:
    (leak,) = read("sensative.ms-drip", "001200000e100e01", 2)
    assert leak.quality is Quality.STALE
    assert leak.measured_at == datetime(2026, 11, 21, 21, 0, 30, tzinfo=UTC)


def test_leak_that_a_logger_saw_an_hour_ago_is_no_alarm_now() -> None:
    seen = read("dragino.lwl03a", "01" + "000000000000" + "6920e3b4", 3)
    assert [one.quality for one in seen] == [Quality.STALE]


def test_vital_sign_that_was_not_measured_is_absent() -> None:
    seen = {one.code: one.quality for one in read("tektelic.edoctor", "50ff0fffffff46ffff", 10)}
    assert seen["vital.heart_rate"] is Quality.OK
    assert "vital.body_temperature" not in seen, "skin is not the body"
    assert {one.code for one in read("tektelic.edoctor", "50ff0fffffff46ffff", 12)} == set()


def test_place_without_a_fix_is_where_it_was() -> None:
    (place,) = [one for one in read("globalsat.lt-20", "80023032525aefd2046400") if one.code == "location"]
    assert place.quality is Quality.STALE
    (zero,) = [one for one in read("globalsat.lt-20", "80020000000000002464ff") if one.code == "location"]
    assert zero.quality is Quality.IMPLAUSIBLE


def test_smoke_from_another_detector_is_smoke() -> None:
    assert values("nexelec.generic3", "b30280000000", 56)["alarm.smoke"] is True
    assert values("yobiiq.sd-1001", "060001", 50)["alarm.smoke"] is True


@pytest.mark.parametrize(
    ("model", "port", "data", "code", "value"),
    [
        ("mclimate.flood-sensor", 2, "0ac8", "alarm.water_leak", True),
        ("mclimate.t-valve", 2, "22000000c8", "alarm.water_leak", True),
        ("mclimate.pir-mini", 2, "3a", "presence.occupied", True),
        ("mclimate.open-close", 2, "20b400d700000a00", "contact.open", False),
        ("mclimate.ht-sensor", 2, "0102628096", "env.temperature", 21.0),
        ("mclimate.co2", 2, "0103e802628096", "env.co2", 1000),
        ("mclimate.vicki", 2, "011555800000001000", "env.temperature", 14.79),
        ("sensative.strips", 1, "ffff0c01", "alarm.tamper", True),
        ("sensative.presence", 1, "ffff1201", "presence.occupied", True),
        ("watteco.moveo", 125, "110a040600001801", "presence.occupied", True),
        ("watteco.hygrotempo", 125, "110a00500006410501040e1004", "battery.voltage", 3.6),
        ("elsys.ers", 5, "050011011201", "presence.occupied", True),
        ("tektelic.finch", 10, "00ba8a", "battery.low", True),
        ("nexelec.insafe-pilot", 56, "617259000008", "env.temperature", 22.8),
        ("nexelec.insafe-origin", 56, "a203400000", "alarm.smoke", True),
        ("hkt.doorsensor", 1, "686b7400070339", "battery.level", 57),
        ("milesight.vs360", 85, "02754801755a", "battery.level", 90),
        ("netvox.r718g", 6, "011e011e00000190000000", "env.illuminance", 400),
        ("netvox.r311la", 6, "01aa011c01012c00000000", "battery.voltage", 2.8),
        ("tektelic.sparrow", 10, "000402006700d7", "device.temperature", 21.5),
        ("tektelic.sparrow", 10, "006700d7ffff01", "device.temperature", 21.5),  # no field of its maker's
        ("mclimate.wireless-thermostat", 2, "010267800bb81500001e01", "presence.occupied", True),
        ("mclimate.wireless-thermostat", 2, "010267800bb81500001e01", "battery.voltage", 3.0),
        ("milesight.at101-fh", 85, "070001", "alarm.tamper", True),
        (
            "milesight.ws203",
            85,
            "0367d700067d2003050001",
            "presence.occupied",
            True,
        ),  # a channel it does not have is passed over
        ("milesight.xy9", 85, "030001017547", "battery.level", 71),
    ],
)
def test_frames_say_what_their_makers_wrote(model: str, port: int, data: str, code: str, value: object) -> None:
    assert values(model, data, port)[code] == pytest.approx(value)
