"""What others say of themselves: figures of published measurements, to stand beside what was measured here."""

PUBLISHED = {
    "thingsboard": {
        "words": "ThingsBoard, 1 million devices, 11,111 messages/s, 36 vCPUs at 55 % (their published test)",
        "us_per_msg": 1_780.0,
        "bytes_per_connection": 65_000.0,
    },
}
