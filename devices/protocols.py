"""All TCP protocols carehub serves, in one visible tuple: how each is cut, who a frame is from, what it waits for."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from devices.adapters import gt06, jt808, watch_3g
from devices.framers import gt06 as gt06_framer
from devices.framers import jt808 as jt808_framer
from devices.framers import watch_3g as watch_3g_framer
from devices.framers.base import Framer


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """One TCP protocol. Its frames come in on topic `tcp/<name>`, or `tcp/<name>/<id>` where only the login names the
    device.
    """

    name: str
    framer: Callable[[], Framer]
    device_of: Callable[[bytes], str | None]  # the id the frame names; None: it names none, or is no frame
    reply: Callable[[bytes], bytes | None]  # what the device waits for after the frame is saved
    port: int  # where the gateway listens unless it is told otherwise
    # What the device waits for that tells the time: a function of the frame and of now.
    timed_reply: Callable[[bytes, datetime], bytes | None] | None = None
    # One of our frames in the dialect of a frame the device sent.
    readdress: Callable[[bytes, bytes], bytes] | None = None
    also: tuple[str, ...] = ()  # other names it goes by

    @property
    def topic(self) -> str:
        """The topic its frames come in on."""
        return f"tcp/{self.name}"


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        name="watch3g",
        framer=watch_3g_framer.Framer,
        device_of=watch_3g.id_of,
        reply=watch_3g.reply,
        port=5093,
        readdress=watch_3g.readdress,
        also=("watch", "watch_3g"),
    ),
    Protocol(
        name="gt06",
        framer=gt06_framer.Framer,
        device_of=gt06.ADAPTER.device_of,
        reply=gt06.reply,
        timed_reply=gt06.timed_reply,
        port=5023,
    ),
    Protocol(
        name="jt808",
        framer=jt808_framer.Framer,
        device_of=jt808.ADAPTER.device_of,
        reply=jt808.reply,
        port=5015,
        readdress=jt808.readdress,
        also=("jt808_wire", "huabao"),
    ),
)

BY_NAME: dict[str, Protocol] = {name: protocol for protocol in PROTOCOLS for name in (protocol.name, *protocol.also)}
