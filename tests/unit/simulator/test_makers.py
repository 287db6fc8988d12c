"""A home for every maker: what stands in it, and that the hub knows each device by its address."""

import pytest

from simulator import makers, scenario, story_file
from simulator.encoders.encoder import EVENTS, STATES, Device, Fix
from simulator.encoders.registry import ENCODERS
from simulator.every_word import WELL
from simulator.town import plan
from simulator.town_file import Town, TownDevice
from tests.unit.simulator.encoders.heard import AT, telemetry

GIVEN = {"vitals": WELL, "steps": 40, "meter": 40_125, "battery": 61, "position": Fix(lat=38.4667, lon=106.2731)}


@pytest.fixture(scope="module")
def town() -> Town:
    path = scenario.find("every_maker")
    return plan(story_file.read(path.read_text("utf-8"), path.name), 7)


def devices(town: Town) -> list[TownDevice]:
    return [device for resident in town.residents for device in resident.devices]


def test_every_maker_has_a_home_and_every_word_of_his_a_device_that_says_it(town: Town) -> None:
    said: dict[str, set[str]] = {}
    for device in devices(town):
        said.setdefault(device.family, set()).update(makers.words(device))
    assert said == {name: set(encoder.says) for name, encoder in ENCODERS.items()}


def test_no_address_is_given_twice_and_each_gateway_is_one_home_s(town: Town) -> None:
    addresses = [device.address for device in devices(town)]
    assert len(set(addresses)) == len(addresses)
    behind = {device.gateway for device in devices(town)} - {""}
    assert {gateway.name for gateway in town.gateways} == behind
    assert set(town.tcp) == {d.family.partition(".")[0] for d in devices(town) if d.transport == "tcp"}


def test_hub_knows_each_device_by_its_address_whatever_it_says(town: Town) -> None:
    for device in devices(town):
        encoder = makers.encoder(device.family)
        words = Device(address=device.address, seed=3, model=makers.own_model(device), prefix=makers.prefix(device))
        for word in makers.words(device):
            given = GIVEN.get(word, "81" if word in EVENTS else True if word in STATES else None)
            said = getattr(encoder, word)(words, AT, *([] if given is None else [given]))
            own = [message for message in said if not makers.of_gateway(message)]
            known = {one.device for one in telemetry(encoder, own, words)} if word != "login" else {device.address}
            assert known <= {device.address}, f"{device.family} {word}: {known}"


def test_what_speaks_mqtt_stays_below_its_own_gateway_s_topics(town: Town) -> None:
    bases = {gateway.name: f"{gateway.base}/" for gateway in town.gateways}
    for device in devices(town):
        if device.transport != "mqtt":
            continue
        encoder = makers.encoder(device.family)
        words = Device(address=device.address, model=makers.own_model(device), prefix=makers.prefix(device))
        for word in set(makers.words(device)) & {"login", "heartbeat", "farewell"}:
            for message in getattr(encoder, word)(words, AT):
                assert message.topic.startswith(bases.get(device.gateway, f"carehub/{device.name}/"))


def test_button_that_may_be_a_light_switch_is_registered_as_a_call_button(town: Town) -> None:
    bound = {device.family for device in devices(town) if device.model == makers.BOUND}
    assert bound == makers.CALLS
    assert all("press" in makers.words(device) for device in devices(town) if device.model == makers.BOUND)
