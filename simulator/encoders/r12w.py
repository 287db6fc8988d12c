"""R12W watches on TCP, as open servers read them; no document of the maker was found. It signs in, and that is all."""

from datetime import datetime

from simulator.encoders.checks import xored
from simulator.encoders.encoder import Awaits, Device, Encoder, Messages, Transport, tcp


def sentence(words: str) -> bytes:
    """Return a line with its check sum behind the #, all characters before it XORed."""
    return f"{words},{xored(words.encode()):02x},\r\n".encode()


def login(device: Device, at: datetime) -> Messages:
    number = f"{device.next_serial():04x}"
    device.owed = f"$HX,1001,{device.native},{number},OK,#".encode()
    return (tcp("r12w", sentence(f"$HX,0001,{device.native},{number},460000000000001,1380000,12345678,01,a8d940a9,#")),)


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply == sentence(device.owed.decode())


ENCODER = Encoder(
    family="r12w", transport=Transport.TCP, awaits=Awaits.REPLY, model="R12W", example="r12w:860000000000017",
    source="R12W as open servers read it", login=login, heartbeat=login, acknowledged=acknowledged,
)  # fmt: skip
