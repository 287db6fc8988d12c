"""What a message is said to be from → the grammars it may be in, where its topic is its installer's own."""

from collections.abc import Mapping

from devices import registry
from devices.adapter import Adapter
from devices.adapters import (
    bed_topics,
    ble_gateway,
    carelink,
    cn_platform,
    esphome,
    helmet,
    homeassistant,
    lifesos,
    openmqttgateway,
    radar_events,
    radar_json,
    shelly_gen1,
    shelly_rpc,
    tasmota,
    unknown_json,
    watch_json,
    zigbee2mqtt,
)

# The first word of a family, or its first two → its grammars; the last is meant where none knows the topic.
FAMILIES: Mapping[str, tuple[Adapter, ...]] = {
    "bed": (bed_topics.ADAPTER,),
    "ble": (ble_gateway.ADAPTER,),
    "carelink": (carelink.ADAPTER,),
    "cn": (helmet.ADAPTER, cn_platform.ADAPTER, watch_json.ADAPTER),
    "esphome": (esphome.ADAPTER,),
    "gateway": (openmqttgateway.ADAPTER, ble_gateway.ADAPTER),
    "ha": (homeassistant.ADAPTER,),
    "homeassistant": (homeassistant.ADAPTER,),
    "lifesos": (lifesos.ADAPTER,),
    "omg": (openmqttgateway.ADAPTER,),
    "openmqttgateway": (openmqttgateway.ADAPTER,),
    "radar": (radar_events.ADAPTER, radar_json.ADAPTER),
    "shelly": (shelly_gen1.ADAPTER, shelly_rpc.ADAPTER),
    "shelly.gen1": (shelly_gen1.ADAPTER,),
    "sleep": (bed_topics.ADAPTER,),
    "spec": (carelink.ADAPTER,),
    "tasmota": (tasmota.ADAPTER,),
    "watch": (watch_json.ADAPTER,),
    "z2m": (zigbee2mqtt.ADAPTER,),
    "zigbee2mqtt": (zigbee2mqtt.ADAPTER,),
}
OURS = ("tcp/", "carehub/")  # topics of our own, which have their grammars or are refused


def adapter_of(family: str, topic: str) -> Adapter | None:
    """Return the grammar of a message from, say, `shelly.gen1_button`: its family's, if one of it knows the topic.

    None: nobody knows the topic, and it is no thing of MQTT. A family nobody knows may be JSON of common names.
    """
    words = family.lower().replace("_", ".").split(".")
    grammars = FAMILIES.get(".".join(words[:2])) or FAMILIES.get(words[0], ())
    known = next((one for one in grammars if one.claims(topic)), None) or registry.adapter_for(topic)
    if known is not None:
        return known
    if not grammars:
        return None if topic.startswith(OURS) else unknown_json.ADAPTER
    if grammars[-1] is zigbee2mqtt.ADAPTER:  # a base topic that only its installer knows
        return zigbee2mqtt.Zigbee2MqttAdapter(bases=(topic.partition("/")[0],))
    return grammars[-1]
