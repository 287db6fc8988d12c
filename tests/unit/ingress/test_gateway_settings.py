"""Which trackers are served, and where: what the settings say, and what they refuse."""

from pathlib import Path

import pytest

from devices.protocols import PROTOCOLS
from hub.config import ConfigError, load
from hub.ingress.settings import IDLE_S, GatewaySettings


def served(**given: object) -> dict[str, int]:
    return {door.name: door.port for door in GatewaySettings(**given).doors()}  # type: ignore[arg-type]


def test_watch_alone_is_served_unless_others_are_named() -> None:
    assert served() == {"watch3g": 5093}
    assert served(port=6093) == {"watch3g": 6093}
    assert served(protocols=("gt06", "jt808:7015")) == {"gt06": 5023, "jt808": 7015}


def test_all_are_served_each_on_a_port_of_its_own() -> None:
    ports = served(protocols=("gt06:7023", "all"), port=6093)
    assert ports == {**{p.name: p.port for p in PROTOCOLS}, "gt06": 7023, "watch3g": 6093}
    assert len(set(ports.values())) == len(PROTOCOLS)


def test_silence_is_measured_by_protocol() -> None:
    settings = GatewaySettings(protocols=("gt06", "h02", "gl200text"), idle=("gt06:1800",), idle_s=600.0)
    assert [door.idle_s for door in settings.doors()] == [1800, 600, IDLE_S["gl200text"]]


def test_every_protocol_with_a_time_of_its_own_exists() -> None:
    assert set(IDLE_S) <= {protocol.name for protocol in PROTOCOLS}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"protocols": ("gt6",)}, "did you mean gt06?"),
        ({"protocols": ("nonsense",)}, "there are eelink, "),
        ({"protocols": ("gt06:",)}, None),
        ({"protocols": ("gt06:x",)}, 'write "gt06:7023"'),
        ({"protocols": ("gt06:70000",)}, 'write "gt06:7023"'),
        ({"protocols": ("watch3g:7093",)}, "gateway.port"),
        ({"protocols": ("all:1",)}, "no port goes with it"),
        ({"protocols": ("gt06:7001", "h02:7001")}, "gt06 and h02 on port 7001"),
        ({"protocols": ("watch3g", "gt06:5093")}, "watch3g and gt06 on port 5093"),
        ({"idle": ("gt06",)}, 'write "gt06:1800"'),
        ({"idle": ("gt06:0",)}, 'write "gt06:1800"'),
        ({"frames_per_s": 0.0}, "greater than 0"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_to_write(given: dict[str, object], said: str | None) -> None:
    if said is None:
        served(**given)
        return
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        served(**given)


def test_protocols_come_from_the_file_or_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "carehub.toml"
    file.write_text('[gateway]\nenabled = true\nprotocols = ["gt06", "jt808"]\n')
    assert [door.name for door in load(file, {}).gateway.doors()] == ["gt06", "jt808"]
    told = load(file, {"CAREHUB_GATEWAY_PROTOCOLS": "watch3g, trv:7088"}).gateway
    assert [(door.name, door.port) for door in told.doors()] == [("watch3g", 5093), ("trv", 7088)]
    with pytest.raises(ConfigError, match="did you mean trv"):
        load(file, {"CAREHUB_GATEWAY_PROTOCOLS": "tvr"})
