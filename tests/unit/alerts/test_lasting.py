"""What goes on is one call; what was cleared, was silent for long, or is something else, is another."""

from datetime import UTC, datetime

from alerts.lasting import GAP_MS, HOUSE_GAP_MS, RESTART_MS, Lasting
from devices.telemetry import Observation, Quality, Stage, Telemetry

PANIC = "z2m:zigbee2mqtt/Panic"
SOS = Observation(code="alarm.sos", value=True, lasting=True)
SMOKE = Observation(code="alarm.smoke", value=True, lasting=True)
CLEARED = Observation(code="alarm.sos", value=False, lasting=True)
PRESS = Observation(code="alarm.sos", value=True)


def said(*seen: Observation, device: str = PANIC, at: datetime | None = None) -> Telemetry:
    return Telemetry(device=device, adapter="test/1", observations=seen, measured_at=at)


def since(lasting: Lasting, told: Telemetry, at_ms: int) -> int | None:
    return lasting.since_ms(lasting.hear(told, at_ms), at_ms)


def test_flag_that_stays_on_goes_on_since_it_began() -> None:
    lasting = Lasting()
    assert [since(lasting, said(SOS), at) for at in (0, 5_000, 5_000, 60_000)] == [None, 0, 0, 0]


def test_flag_that_was_cleared_or_silent_for_a_minute_is_another_call() -> None:
    lasting = Lasting()
    since(lasting, said(SOS), 0)
    lasting.hear(said(CLEARED), 10_000)
    assert since(lasting, said(SOS), 11_000) is None
    assert since(lasting, said(SOS), 11_000 + GAP_MS) == 11_000
    assert since(lasting, said(SOS), 11_001 + 2 * GAP_MS) is None


def test_detector_of_the_house_may_repeat_itself_by_the_hour() -> None:
    lasting = Lasting()
    assert [since(lasting, said(SMOKE), at) for at in (0, HOUSE_GAP_MS)] == [None, 0]


def test_something_else_beside_what_goes_on_is_a_call_of_its_own() -> None:
    lasting = Lasting()
    since(lasting, said(SMOKE), 0)
    assert since(lasting, said(SMOKE, SOS), 1_000) is None
    assert since(lasting, said(SMOKE, SOS), 2_000) == 1_000
    assert since(lasting, said(SMOKE, PRESS), 3_000) is None


def test_fall_that_is_confirmed_and_another_button_are_news() -> None:
    lasting = Lasting()
    stages = [Stage.SUSPECTED, Stage.SUSPECTED, Stage.CONFIRMED, Stage.CONFIRMED]
    falls = [said(Observation(code="alarm.fall", value=True, stage=stage, lasting=True)) for stage in stages]
    assert [since(lasting, fall, at * 1_000) for at, fall in enumerate(falls)] == [None, 0, None, 2_000]
    lasting.hear(said(Observation(code="alarm.fall", value=False, lasting=True)), 4_000)
    assert since(lasting, falls[3], 5_000) is None
    assert since(lasting, said(Observation(code="alarm.sos", value=True, channel="2", lasting=True)), 6_000) is None


def test_press_that_is_an_event_never_goes_on() -> None:
    lasting = Lasting()
    assert [since(lasting, said(PRESS), at) for at in (0, 1_000)] == [None, None]


def test_trackers_report_without_its_bit_ends_an_alarm_and_one_from_before_it_does_not() -> None:
    lasting, place = Lasting(), Observation(code="location", lat=38.4667, lon=106.2731, valid=True)
    at_ms = 1_795_233_600_000
    since(lasting, said(SOS, place), at_ms)
    lasting.hear(said(place, at=datetime(2026, 1, 1, tzinfo=UTC)), at_ms + 10_000)
    assert since(lasting, said(SOS, place), at_ms + 20_000) == at_ms
    lasting.hear(said(place), at_ms + 30_000)
    assert since(lasting, said(SOS, place), at_ms + 40_000) is None


def test_bridge_that_starts_tells_what_it_remembers_and_a_cleared_flag_is_no_memory() -> None:
    lasting = Lasting()
    online = said(Observation(code="link.online", value=True), device="z2m:zigbee2mqtt/bridge")
    lasting.hear(said(SOS), 0)
    day = 86_400_000
    lasting.hear(online, day)
    assert lasting.hear(said(SOS), day + 1_000).observations[0].quality is Quality.REPLAYED
    assert lasting.hear(said(SOS), day + 1_000).observations[0].quality is Quality.REPLAYED, "looked at twice"
    lasting.hear(said(CLEARED), day + 2_000)
    assert lasting.hear(said(SOS), day + 3_000).observations[0].quality is Quality.OK
    assert lasting.hear(said(SOS), day + RESTART_MS + GAP_MS).observations[0].quality is Quality.OK
    assert lasting.hear(said(SOS, device="z2m:zigbee2mqtt/Other"), day + 1_000).observations[0].quality is Quality.OK


def test_what_is_retained_is_not_looked_at() -> None:
    lasting = Lasting()
    lasting.hear(said(SOS), 0, retained=True)
    assert since(lasting, said(SOS), 1_000) is None


def test_memory_is_bounded() -> None:
    lasting = Lasting(most=2)
    for number in range(3):
        lasting.hear(said(SOS, device=f"z2m:zigbee2mqtt/{number}"), 0)
    assert since(lasting, said(SOS, device="z2m:zigbee2mqtt/0"), 1_000) is None
    assert since(lasting, said(SOS, device="z2m:zigbee2mqtt/2"), 1_000) == 0
