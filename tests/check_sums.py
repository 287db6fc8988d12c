"""Check sums written out from the makers' documents, so that tests do not share a mistake of ours."""


def crc(data: bytes) -> int:
    """CRC-ITU bit by bit, as the annex of the GT06 document describes it."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value ^ 0xFFFF
