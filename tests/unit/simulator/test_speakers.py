"""Devices that misbehave: what goes out on the line when a device is flat, out of reach, late, cut or broken."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from simulator import makers
from simulator.encoders.encoder import Body
from simulator.lockstep import Lockstep
from simulator.makers import NoEncoderError
from simulator.speakers import KEPT, Speaker
from simulator.town_file import Counted, Endpoint, Happened, Sent, TownResident
from simulator.wire import MqttLine, Traffic

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
SHE = TownResident(
    key="r0", name="王秀兰", born="1944-01-01", sex="female", language="普通话", ability="自理", risks=(),
    community="和平社区", address="1", entrance="", lat=38.5, lon=106.2, phone="000",
)  # fmt: skip


class Heard(MqttLine):
    """A line that keeps what is said and acknowledges at once, or never."""

    def __init__(self, *, acknowledges: bool = True) -> None:
        super().__init__(Endpoint(host="", port=1), "w", "x", Traffic())
        self.said: list[tuple[str, bytes]] = []
        self.acknowledges = acknowledges

    def publish(self, topic, payload, *, retain=False, done=None) -> None:  # type: ignore[no-untyped-def]
        self.said.append((topic, payload))
        if done and self.acknowledges:
            done()

    @property
    def words(self) -> list[dict[str, object]]:
        return [json.loads(payload) for _, payload in self.said]


def speaker(*, acknowledges: bool = True) -> tuple[Speaker, Heard, Lockstep]:
    clock = Lockstep("http://127.0.0.1:1/step", "k", NOON, Traffic())
    line = Heard(acknowledges=acknowledges)
    made = Speaker(makers.worn("carehub", 1, 5), SHE, clock, Counted(family="carehub"), seed="1", mqtt=line)
    return made, line, clock


def report(device: Speaker, minute: int = 0) -> None:
    device.report(NOON + timedelta(minutes=minute), Body(heart_rate_bpm=70 + minute, spo2_pct=96), 12, worn=True)


def press(device: Speaker) -> Sent:
    one = Happened(number=0, resident="r0", what="presses for help", kind="sos", at=NOON)
    made = Sent(device=device.device.address, family="carehub", resident="r0", kind="sos", happened=one.number, at=NOON)
    device.alarm("sos", made)
    return made


def later(clock: Lockstep, seconds: float) -> None:
    """Let what is in the calendar happen, up to a moment; no hub is asked."""

    async def run() -> None:
        goal = clock.now + timedelta(seconds=seconds)
        while clock._heap and clock._heap[0][0] <= goal:
            clock.now, _, deed = clock._heap.pop(0)
            clock._heap.sort()
            if (result := deed()) is not None:
                await result
        clock.now = goal

    asyncio.run(run())


def test_report_is_one_wide_message_and_what_was_not_measured_is_left_out() -> None:
    device, line, _ = speaker()
    report(device)
    (words,) = line.words
    assert (words["hr"], words["spo2"], words["steps"], words["worn"]) == (70, 96, 12, True)
    assert "rr" not in words
    assert words["at"] == int(NOON.timestamp() * 1000)
    assert (device.counted.sent, device.counted.saved) == (1, 1)


def test_watch_off_the_wrist_measures_nothing() -> None:
    device, line, _ = speaker()
    device.report(NOON, Body(heart_rate_bpm=70), 0, worn=False)
    assert set(line.words[0]) == {"seq", "at", "battery", "worn"}


def test_flat_device_says_nothing_and_keeps_nothing() -> None:
    device, line, _ = speaker()
    device.condition.dead = True
    report(device)
    sent = press(device)
    device.condition.dead = False
    device.back()
    assert (line.said, sent.first_at, device.counted.dropped) == ([], None, 1)


def test_device_out_of_reach_keeps_what_it_has_to_say_and_a_press_longest() -> None:
    device, line, clock = speaker()
    device.condition.offline = True
    sent = press(device)
    for minute in range(KEPT + 5):
        report(device, minute % 50)
    later(clock, 600)
    assert line.said == []
    device.condition.offline = False
    device.back()
    assert line.words[0]["event"] == "sos"
    assert len(line.said) == KEPT
    assert (sent.copies, sent.first_at) == (1, NOON + timedelta(minutes=10))
    assert device.counted.dropped == 6


def test_press_goes_again_under_its_identity_until_it_is_heard() -> None:
    device, line, clock = speaker()
    sent = press(device)
    later(clock, 11)
    assert [words["id"] for words in line.words] == [line.words[0]["id"]] * 3
    assert sent.identity == f"sos:{line.words[0]['id']}"
    device.hear("", json.dumps({"say": "received", "id": line.words[0]["id"]}).encode())
    later(clock, 60)
    assert (len(line.said), sent.copies, sent.heard_at) == (3, 3, NOON + timedelta(seconds=11))
    assert (device.counted.sent, device.counted.copies) == (1, 2)


def test_press_that_nobody_acknowledges_is_insisted_on() -> None:
    device, line, clock = speaker(acknowledges=False)
    sent = press(device)
    later(clock, 60)
    assert (len(line.said), sent.saved_at) == (13, None)


def test_late_device_says_everything_at_once_in_order_or_out_of_it() -> None:
    device, line, clock = speaker()
    device.condition.late_s = 600
    for minute in range(8):
        report(device, minute)
        later(clock, 60)
    assert line.said == []
    later(clock, 300)
    assert [words["hr"] for words in line.words] == list(range(70, 78))
    device.condition.disorder = True
    for minute in range(8):
        report(device, minute)
    later(clock, 700)
    shuffled = [words["hr"] for words in line.words[8:]]
    assert shuffled != sorted(shuffled, key=str)
    assert sorted(shuffled, key=str) == list(range(70, 78))


def test_repeated_message_is_the_same_message() -> None:
    device, line, _ = speaker()
    device.condition.copies = 3
    report(device)
    assert line.said == [line.said[0]] * 3
    assert (device.counted.sent, device.counted.saved, device.counted.copies) == (1, 1, 2)


def test_broken_firmware_and_a_cut_line_spoil_what_is_said() -> None:
    device, line, _ = speaker()
    device.condition.nonsense = True
    spoilt = press(device)
    device.condition.nonsense = False
    device.condition.cut = 1.0
    report(device)
    for _, payload in line.said:
        with pytest.raises(ValueError, match=r"."):  # JSON's, or of bytes that are no text
            json.loads(payload)
    assert (spoilt.spoilt, spoilt.copies, device.counted.nonsense) == (1, 1, 2)


def test_wrong_clock_is_what_the_device_believes() -> None:
    device, line, _ = speaker()
    device.condition.skew_s = 10_800
    report(device)
    sent = press(device)
    assert line.words[0]["at"] == int((NOON + timedelta(hours=3)).timestamp() * 1000)
    assert sent.stamped_at == NOON + timedelta(hours=3)
    assert sent.at == NOON


def test_watch_that_is_told_to_measure_does_and_one_that_asks_is_answered() -> None:
    device, line, _ = speaker()
    asked: list[Speaker] = []
    device.asked = device.measure = asked.append
    device.hear("", b'{"do":{"type":"measure","what":"heart-rate"},"number":1}')
    device.hear("", b'{"say":"asking"}')
    device.hear("", b'{"do":{"type":"locate"},"number":2}')
    device.hear("", b"no JSON")
    assert asked == [device, device]
    assert (line.words[0]["lat"], line.words[0]["lon"]) == (38.5, 106.2)


def test_device_nobody_simulates_is_refused_with_those_there_are() -> None:
    with pytest.raises(NoEncoderError, match=r"abacus: .*carehub"):
        makers.encoder("abacus")


def test_button_nobody_presses_says_that_it_is_there() -> None:
    clock, line = Lockstep("http://127.0.0.1:1/step", "k", NOON, Traffic()), Heard()
    device = makers.sensor("button", "TS0215A", "卧室", "gw-1", 7)
    button = Speaker(device, SHE, clock, Counted(family="zigbee2mqtt"), seed="1", mqtt=line)
    button.check_in(NOON)
    assert [topic for topic, _ in line.said] == ["gw-1/zigbee2mqtt/7 卧室呼叫"]
    assert line.words[0].keys() == {"battery", "last_seen", "linkquality"}  # no press


def test_button_with_an_empty_battery_says_nothing() -> None:
    clock, line = Lockstep("http://127.0.0.1:1/step", "k", NOON, Traffic()), Heard()
    device = makers.sensor("button", "TS0215A", "卧室", "gw-1", 7)
    button = Speaker(device, SHE, clock, Counted(family="zigbee2mqtt"), seed="1", mqtt=line)
    button.condition.dead = True
    button.check_in(NOON)
    assert line.said == []


def test_mat_and_meter_have_lines_of_their_own_and_a_mat_says_again_what_it_said() -> None:
    clock, line = Lockstep("http://127.0.0.1:1/step", "k", NOON, Traffic()), Heard()
    mat, meter = (
        Speaker(makers.apart(kind, room, 7), SHE, clock, Counted(family=kind), seed="1", mqtt=line)
        for kind, room in (("bed", "卧室"), ("meter", "浴室"))
    )
    mat.check_in(NOON)  # it has seen nobody yet
    mat.state("bed", NOON, on=True)
    mat.check_in(NOON)
    meter.count(NOON, 40_125.4)
    in_bed = ("home7/sleepsensor/bed_status", b"1")
    assert line.said == [in_bed, in_bed, ("home7/meter-7/meter", b"40125")]


def test_every_copy_the_hub_acknowledges_is_counted_and_what_it_does_not_is_not() -> None:
    device, _, _ = speaker()
    device.condition.copies = 3
    report(device)
    assert (device.counted.sent, device.counted.saved, device.counted.heard) == (1, 1, 3)
    unheard, _, _ = speaker(acknowledges=False)
    report(unheard)
    assert (unheard.counted.sent, unheard.counted.saved, unheard.counted.heard) == (1, 0, 0)


def test_press_is_whole_from_the_first_copy_that_is_not_in_pieces() -> None:
    device, _, clock = speaker(acknowledges=False)
    device.condition.nonsense = True
    sent = press(device)
    later(clock, 11)
    assert (sent.copies, sent.spoilt, sent.whole_at) == (3, 3, None)
    device.condition.nonsense = False
    later(clock, 5)
    assert (sent.copies, sent.spoilt, sent.whole_at) == (4, 3, NOON + timedelta(seconds=15))
