"""The short form of `make fuzz`: the same seeds each time; and the judges themselves, before planted faults."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from devices import registry
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.framers import base
from devices.protocols import BY_NAME, PROTOCOLS
from devices.telemetry import Observation, Telemetry
from tests.fuzz import corpus, growth, oracles, streams
from tests.fuzz.campaign import Campaign, Tally
from tests.fuzz.corpus import Seed

INPUTS = 6_000
SEED = 20_261_122
STREAMS = corpus.streams()


def test_damaged_messages_and_streams_are_answered_and_invent_no_alarm() -> None:
    campaign, tally = Campaign(corpus.seeds()), Tally()
    for seed in range(SEED, SEED + INPUTS // 1_000):
        campaign.block(seed, tally)
    assert not tally.finds, "\n".join(f"{error}\n{error.__notes__}" for error in tally.finds.values())
    assert set(tally.inputs) >= {"streams", "bytes", "json", "cut", "splice", "random", "deep", "intact"}
    assert tally.alarms > 100, "an oracle that never hears an alarm proves nothing"


def test_every_grammar_and_every_protocol_is_reached() -> None:
    campaign, tally = Campaign(corpus.own()), Tally()
    campaign.block(SEED, tally, 3_000)
    own = {seed.grammar for seed in corpus.own()}
    assert set(tally.grammars) >= own
    assert set(STREAMS) == {protocol.name for protocol in PROTOCOLS}


def test_same_seed_is_the_same_inputs() -> None:
    campaign, first, second = Campaign(corpus.own()), Tally(), Tally()
    campaign.block(SEED, first)
    campaign.block(SEED, second)
    assert (first.inputs, first.grammars, first.alarms) == (second.inputs, second.grammars, second.alarms)


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_good_frames_are_the_same_wherever_the_network_cuts_them(name: str) -> None:
    stream = b"".join(STREAMS[name])
    ways = [streams.cut_evenly(stream, size) for size in streams.PIECES]
    frame = max(STREAMS[name], key=len)
    if name == "h02":
        stream = b"".join(one for one in STREAMS[name] if b"$" not in one)
        ways = [streams.cut_evenly(stream, size) for size in streams.PIECES]
    streams.cutting_changes_nothing(BY_NAME[name], stream, ways)
    if name != "h02":
        two = frame + frame
        streams.cutting_changes_nothing(BY_NAME[name], two, [streams.cut_at(two, [at]) for at in range(1, len(two))])


@pytest.mark.parametrize("name", ["laipac", "tk103", "minifinder", "pt60"])
def test_a_frame_too_long_is_none_and_the_one_behind_it_is_found(name: str) -> None:
    """Found by fuzzing: in one piece it was handed on, cut by the network it was not, and took the next with it."""
    frame = STREAMS[name][0]
    long = frame[:-3] + b"9" * 5_000 + frame[-3:]
    stream = long + frame
    heard = streams.feed(BY_NAME[name], [stream]).frames
    assert heard[-1:] == streams.feed(BY_NAME[name], [frame]).frames
    assert max(map(len, heard)) <= 4_096
    streams.cutting_changes_nothing(
        BY_NAME[name], stream, [streams.cut_evenly(stream, size) for size in (3, 64, 1_460)]
    )


def test_a_byte_costs_no_more_where_there_are_many() -> None:
    """A few of the long form's cases: a quadratic reader shows in any of them."""
    cases = [case for at, case in enumerate(growth.decoder_cases()) if at % 40 == 0]
    cases += [case for at, case in enumerate(growth.framer_cases(sizes=(1 << 20,))) if at % 40 == 0]
    assert growth.findings(iter(cases)) == []


# What fuzzing found, and what it said then.


@pytest.mark.parametrize(
    "seed",
    [
        Seed(topic="$sys/Pq7/radar-7/thing/property/post", payload=b'{"params":{"*fall":{"value":true}}}'),
        Seed(topic="$sys/Pq7/radar-7/thing/property/post", payload=b'{"params":{"f\\u0061ll":{"value":true}}}'),
        Seed(topic="info/1/position", payload=b'{"user_id":1,"tenant_id":1,"panic":1}'),
        Seed(topic="R60AFD1/live", payload=b'{"device_id":"bath-1","*fall_alarm":true}'),
        Seed(topic="home7/watch/up", payload=b'{"deviceId":"W-17","event":"f\xf4\x90\x80\x80all","hr":"88"}'),
        Seed(
            topic="tcp/eview",
            payload=bytes.fromhex(
                "ab10260078e30900011001383632303030303030303030303032350924"
                "5e14026b00004242090200200000" "5e14026b"
            ),
        ),
    ],
)  # fmt: skip
def test_what_rings_was_urgent(seed: Seed) -> None:
    oracles.judge(seed)


def test_a_model_that_cannot_be_written_is_stored_all_the_same() -> None:
    oracles.judge(Seed(topic="carehub/w-0417/status", payload=b'{"online":true,"model":"C\xed\xa0\x80W-1"}'))


def test_names_of_any_length_are_kept_short() -> None:
    oracles.judge(Seed(topic="tele/attic/SENSOR", payload=b'{"DS18B%s":{"Temperature":68.0}}' % (b"2" * 5_000)))
    oracles.judge(
        Seed(
            topic="zigbee2mqtt/bridge/event",
            payload=b'{"type":"device_announced","data":{"ieee_address":"0x%s"}}' % (b"a" * 5_000),
        )
    )
    number = b"8" * 5_000
    oracles.judge(Seed(topic="tcp/megastek", payload=STREAMS["megastek"][0].replace(b"860000000000017", number)))


@pytest.mark.parametrize("length", [41, 44, 47, 53])
def test_a_cut_line_of_mictrack_has_no_event_where_another_field_stands(length: int) -> None:
    whole = b"MT;6;860000000000017;R0;5+261121215958+38.46670+106.27310+0.4+120+2+3744+113"
    oracles.cut_says_no_more(Seed(topic="tcp/mictrack", payload=whole), length)


def test_noise_behind_a_dollar_sign_is_no_alarm_of_h02() -> None:
    oracles.random_bytes_ring_nothing(Seed(topic="tcp/h02", payload=b"$" + bytes(range(0xA0, 0xA0 + 31))))


# The judges themselves.


class Planted:
    """A grammar with a fault, on a topic of its own."""

    name, scheme = "planted/1", "planted"

    def __init__(self, fault: str) -> None:
        self.fault, self.asked = fault, 0

    def claims(self, topic: str) -> bool:
        return topic == "planted"

    def urgent(self, topic: str, payload: bytes) -> bool:
        return self.fault != "calm"

    def decode(self, message: Message) -> Sequence[Telemetry]:
        self.asked += 1
        if self.fault == "raises":
            raise KeyError("sos")
        if self.fault == "wordy":
            raise DecodeError(self.name, "x" * 9_000)
        values: dict[str, float | str | bool] = {"nan": float("nan"), "long": "x" * 9_000, "moody": float(self.asked)}
        value = values.get(self.fault, True)
        code = {"nameless": "alarm.tea", "invents": "alarm.fall", "calm": "alarm.sos"}.get(
            self.fault, "device.temperature"
        )
        seen = Observation(code=code, value=value)
        return [Telemetry(device="planted:1", adapter=self.name, observations=(seen,))]

    def encode(self, command: Command) -> Downlink | None:
        return None


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("raises", "KeyError"), ("wordy", "DecodeError of"), ("nan", "is nan"), ("long", "word of 9000"),
        ("moody", "second time"), ("nameless", "nobody has written down"), ("invents", "no word or bit"),
        ("calm", "was not urgent"),
    ],
)  # fmt: skip
def test_judge_finds_the_planted_fault(fault: str, what: str) -> None:
    with pytest.raises(oracles.FindingError, match=what):
        oracles.judge(Seed(topic="planted", payload=b"sos"), Planted(fault))


def test_judge_hears_a_message_that_has_no_fault() -> None:
    assert oracles.judge(Seed(topic="planted", payload=b"fall"), Planted("invents")) == {"alarm.fall"}


class Forgetful(base.Lines):
    """Loses a byte at the start of each piece that comes."""

    def feed(self, chunk: bytes) -> list[bytes]:
        return super().feed(chunk[1:])


class Hoarder(base.Lines):
    """Knows no limit."""

    longest = 1 << 30


def test_judge_of_streams_finds_what_is_lost_and_what_is_hoarded() -> None:
    plain = BY_NAME["laipac"]
    lossy = msgspec.structs.replace(plain, framer=Forgetful)
    with pytest.raises(streams.StreamError, match="not those that came"):
        streams.feed(lossy, [b"$one\r\n", b"$two\r\n"])
    hoarder = msgspec.structs.replace(plain, framer=Hoarder)
    assert len(streams.feed(hoarder, [b"x" * 100_000]).held) == 100_000
    assert len(streams.feed(plain, [b"x" * 100_000]).held) <= 4_096


def test_growth_tells_a_quadratic_reader_from_a_linear_one() -> None:
    def quadratic(data: bytes) -> int:
        return sum(data[at:].count(b"y") for at in range(0, len(data), 16))

    pattern = growth.repeated(b"", b"x")
    assert growth.growth(quadratic, pattern) > growth.GROWS
    assert growth.growth(sum, pattern) < growth.GROWS


def test_captures_of_others_are_read_where_they_lie(tmp_path: Path) -> None:
    lines = (
        '{"kind":"tcp","type":"laipac","input":{"text":"$AVRMC,1"}}\n'
        '{"kind":"mqtt","type":"z2m","input":{"topic":"zigbee2mqtt/b","payload":"{}"}}\n'
        '{"kind":"lorawan","type":"milesight.ws101","input":{"fPort":85,"hex":"ff2e01"}}\n'
        "[]\nno json\n" '{"kind":"mqtt","input":{"topic":"nobody/knows","payload":"1"}}\n'
    )  # fmt: skip
    (tmp_path / "some.jsonl").write_text(lines, encoding="utf-8")
    found = list(corpus.foreign(tmp_path))
    assert [seed.topic for seed in found][:2] == ["tcp/laipac", "zigbee2mqtt/b"]
    assert found[2].model == "milesight.ws101"
    assert len(found) == 3
    assert registry.adapter_for("nobody/knows") is None


def test_what_is_grown_are_frames_that_framers_hand_on() -> None:
    rng = Random(SEED)
    for grow in (corpus._jt808, corpus._eview, corpus._xexun3):
        seed = grow(rng)
        name = seed.topic.split("/")[1]
        assert streams.feed(BY_NAME[name], [corpus.wire(name, seed.payload)]).frames == (seed.payload,)
