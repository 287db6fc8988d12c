"""All grammars carehub understands, in one visible tuple. A new device family is one file and one entry here."""

from functools import lru_cache

from devices.adapter import Adapter
from devices.adapters import (
    bed_topics,
    ble_gateway,
    carehub,
    carelink,
    cn_platform,
    eelink,
    esphome,
    eview,
    gps103,
    gt06,
    h02,
    helmet,
    homeassistant,
    jt808,
    laipac,
    lifesos,
    lorawan,
    megastek,
    mictrack,
    minifinder,
    openmqttgateway,
    pt60,
    queclink,
    r12w,
    radar_events,
    radar_json,
    shelly_gen1,
    shelly_rpc,
    tasmota,
    tk103,
    topin,
    trv,
    unknown_json,
    watch_3g,
    watch_json,
    wristband,
    xexun,
    xexun2,
    xexun3,
    zigbee2mqtt,
)

ADAPTERS: tuple[Adapter, ...] = (
    carehub.ADAPTER,
    eelink.ADAPTER,
    eview.ADAPTER,
    gt06.ADAPTER,
    jt808.ADAPTER,
    lorawan.ADAPTER,
    topin.ADAPTER,
    watch_3g.ADAPTER,
    xexun2.ADAPTER,
    xexun3.ADAPTER,
    zigbee2mqtt.ADAPTER,
    gps103.ADAPTER,
    h02.ADAPTER,
    laipac.ADAPTER,
    megastek.ADAPTER,
    mictrack.ADAPTER,
    minifinder.ADAPTER,
    pt60.ADAPTER,
    queclink.ADAPTER,
    r12w.ADAPTER,
    tk103.ADAPTER,
    trv.ADAPTER,
    wristband.ADAPTER,
    xexun.ADAPTER,
    homeassistant.ADAPTER,  # before those that look for a word: its discovery names things bed, radar, shelly …
    bed_topics.ADAPTER,
    ble_gateway.ADAPTER,
    carelink.ADAPTER,
    cn_platform.ADAPTER,
    esphome.ADAPTER,
    helmet.ADAPTER,
    lifesos.ADAPTER,
    openmqttgateway.ADAPTER,
    radar_events.ADAPTER,
    radar_json.ADAPTER,
    shelly_gen1.ADAPTER,
    shelly_rpc.ADAPTER,
    tasmota.ADAPTER,
    watch_json.ADAPTER,
    unknown_json.ADAPTER,
)


KNOWN_TOPICS = 65_536  # remembered with their grammar: asking forty grammars takes 10 µs, and every message asks
LONGEST_KNOWN = 200  # characters; a topic may have 65,535 bytes


def adapter_for(topic: str, adapters: tuple[Adapter, ...] = ADAPTERS) -> Adapter | None:
    """Return the grammar spoken on a topic: the first that claims it."""
    if adapters is ADAPTERS and len(topic) <= LONGEST_KNOWN:
        return _known(topic)
    return _first(topic, adapters)


@lru_cache(maxsize=KNOWN_TOPICS)
def _known(topic: str) -> Adapter | None:
    return _first(topic, ADAPTERS)


def _first(topic: str, adapters: tuple[Adapter, ...]) -> Adapter | None:
    for adapter in adapters:
        if adapter.claims(topic):
            return adapter
    return None


def by_scheme(address: str, adapters: tuple[Adapter, ...] = ADAPTERS) -> Adapter | None:
    """Return the grammar of a device address such as `watch3g:8800000015`, for telling the device something."""
    scheme = address.partition(":")[0]
    for adapter in adapters:
        if adapter.scheme == scheme:
            return adapter
    return None


def urgent(topic: str, payload: bytes, adapters: tuple[Adapter, ...] = ADAPTERS) -> bool:
    """Whether a message must not wait behind telemetry. Asked of every message on arrival; doubt means True."""
    if topic.endswith("/vitals") and topic.startswith("carehub/"):  # 99 of 100 messages: 0.15 µs instead of 1
        return False
    adapter = adapter_for(topic, adapters)
    try:
        return True if adapter is None else adapter.urgent(topic, payload)
    except Exception:  # a grammar's own fault: decoding will meet it too, and the message is kept
        return True
