"""The names Tasmota gives what sensors and Zigbee devices report, and what they mean: a new sensor is a row here."""

from collections.abc import Mapping

# A sensor's or a Zigbee device's number -> its code. Temperature and pressure come in the unit the message names.
NUMBERS: Mapping[str, str] = {
    "Temperature": "env.temperature",
    "LocalTemperature": "env.temperature",
    "Humidity": "env.humidity",
    "Illuminance": "env.illuminance",
    "CarbonDioxide": "env.co2",
    "eCO2": "env.co2",
    "Pressure": "env.pressure",
    "Battery": "battery.level",
    "BatteryPercentage": "battery.level",
    "HeartRate": "vital.heart_rate",
    "LinkQuality": "link.quality",
}
OWN_CHIPS = frozenset({"ESP32", "ESP32S2", "ESP32S3", "ESP32C3", "ESP32C6", "AXP192"})  # the bridge's own warmth
VOLTAGES = ("Voltage", "BatteryVoltage")
# What is 0 or 1, "ON" or "OFF". A contact that is 1 is open: an IAS zone's alarm bit, and an Aqara magnet's on/off.
FLAGS: Mapping[str, str] = {
    "Occupancy": "presence.occupied",
    "Presence": "presence.occupied",
    "Motion": "presence.motion",
    "Movement": "motion.moving",
    "Contact": "contact.open",
    "Fire": "alarm.fire",
    "Smoke": "alarm.smoke",
    "Gas": "alarm.gas",
    "Water": "alarm.water_leak",
    "Leak": "alarm.water_leak",
    "CO": "alarm.carbon_monoxide",
    "Panic": "alarm.sos",
    "PersonalAlarm": "alarm.sos",
    "Tamper": "alarm.tamper",
    "BatteryLow": "battery.low",
    "Reachable": "link.online",
}
# Contacts of the Bluetooth magnet: no document was found that says which way round.
UNVERIFIED_CONTACTS = ("MCCGQ02HL",)
AQARA_MODES = {"tilt": "motion.tilt", "drop": "motion.drop", "vibrate": "alarm.vibration"}

# Zigbee cluster!command -> what was pressed. 0501 is IAS ACE: keypads and the call buttons that speak like one.
CALLS: Mapping[str, str] = {"050102": "alarm.sos", "050103": "alarm.fire", "050104": "alarm.sos"}
COMMANDS: Mapping[str, str] = {"000600": "off", "000601": "on", "000602": "toggle"}
TUYA_CLICKS = {"00": "single", "01": "double", "02": "hold"}  # cluster 0006, command FD
CLICKS = ("Click", "Action", "Button", "Btn", "ArrowClick", "ArrowHold", "DimmerUp", "DimmerDown", "DimmerStep",
          "DimmerMove")  # fmt: skip
NO_CLICK = frozenset({"", "0", "none", "clear", "idle", "null", "unknown"})
ARROWS = {"0": "right", "1": "left"}

# Bits of an IAS zone's status that mean the same for every type of zone.
TAMPER_BIT, BATTERY_BIT = 0x0004, 0x0008

# In a SENSOR message what is not a sensor.
NO_SENSOR = frozenset({"Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit", "Uptime", "UptimeSec", "Wifi", "Heap"})
