"""All encoders in one visible table: family → what it can say. A second kind of device of a family has a dot."""

from collections.abc import Mapping

from simulator.encoders import (
    bed,
    ble_gateway,
    carehub,
    carelink,
    cn_platform,
    eelink,
    esphome,
    eview,
    gl200text,
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
    r12w,
    radar_events,
    radar_json,
    shelly,
    shelly1,
    tasmota,
    tk103,
    topin,
    trv,
    unknown_json,
    watch3g,
    watch_json,
    wristband,
    xexun,
    xexun2,
    xexun3,
    zigbee2mqtt,
)
from simulator.encoders.encoder import Encoder

ENCODERS: Mapping[str, Encoder] = {
    "bed": bed.ENCODER,
    "ble_gateway": ble_gateway.ENCODER,
    "carehub": carehub.ENCODER,
    "carelink": carelink.ENCODER,
    "cn_platform": cn_platform.ENCODER,
    "eelink": eelink.ENCODER,
    "esphome": esphome.ENCODER,
    "eview": eview.ENCODER,
    "gl200text": gl200text.ENCODER,
    "gps103": gps103.ENCODER,
    "gt06": gt06.ENCODER,
    "h02": h02.ENCODER,
    "helmet": helmet.ENCODER,
    "homeassistant": homeassistant.ENCODER,
    "jt808": jt808.ENCODER,
    "laipac": laipac.ENCODER,
    "lifesos": lifesos.ENCODER,
    "lifesos.magnet": lifesos.MAGNET,
    "lorawan": lorawan.ENCODER,
    "lorawan.browan": lorawan.BROWAN,
    "lorawan.netvox": lorawan.NETVOX,
    "lorawan.things_stack": lorawan.THINGS_STACK,
    "megastek": megastek.ENCODER,
    "mictrack": mictrack.ENCODER,
    "minifinder": minifinder.ENCODER,
    "openmqttgateway": openmqttgateway.ENCODER,
    "openmqttgateway.bluetooth": openmqttgateway.BLUETOOTH,
    "pt60": pt60.ENCODER,
    "r12w": r12w.ENCODER,
    "radar_events": radar_events.ENCODER,
    "radar_json": radar_json.ENCODER,
    "shelly": shelly.ENCODER,
    "shelly.blu": shelly.BLU,
    "shelly1": shelly1.ENCODER,
    "tasmota": tasmota.ENCODER,
    "tk103": tk103.ENCODER,
    "tk103.personal": tk103.PERSONAL,
    "topin": topin.ENCODER,
    "trv": trv.ENCODER,
    "unknown_json": unknown_json.ENCODER,
    "watch3g": watch3g.ENCODER,
    "watch_json": watch_json.ENCODER,
    "wristband": wristband.ENCODER,
    "xexun": xexun.ENCODER,
    "xexun2": xexun2.ENCODER,
    "xexun3": xexun3.ENCODER,
    "zigbee2mqtt": zigbee2mqtt.ENCODER,
}


def encoder_of(family: str) -> Encoder:
    """Return a family's encoder.

    Raises:
        KeyError: There is none; the message says which there are.
    """
    found = ENCODERS.get(family)
    if found is None:
        raise KeyError(f"no encoder of {family!r}; there are {', '.join(ENCODERS)}")
    return found
