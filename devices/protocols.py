"""All TCP protocols carehub serves, in one visible tuple: how each is cut, who a frame is from, what it waits for."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from devices.adapter import Answer
from devices.adapters import (
    eelink,
    eview,
    gps103,
    gt06,
    h02,
    jt808,
    laipac,
    megastek,
    mictrack,
    minifinder,
    pt60,
    queclink,
    r12w,
    tk103,
    topin,
    trv,
    watch_3g,
    wristband,
    xexun,
    xexun2,
    xexun3,
)
from devices.encoders import binary
from devices.encoders import lines as line_words
from devices.encoders import queclink as queclink_words
from devices.encoders import trv as trv_words
from devices.framers import eelink as eelink_framer
from devices.framers import eview as eview_framer
from devices.framers import gt06 as gt06_framer
from devices.framers import jt808 as jt808_framer
from devices.framers import lines
from devices.framers import topin as topin_framer
from devices.framers import watch_3g as watch_3g_framer
from devices.framers import xexun2 as xexun2_framer
from devices.framers import xexun3 as xexun3_framer
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
    # What a frame says to one of our commands; None: nothing.
    answer: Callable[[bytes, bytes], Answer | None] | None = None
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
        answer=watch_3g.answer,
        port=5093,
        readdress=watch_3g.readdress,
        also=("watch", "watch_3g"),
    ),
    Protocol(
        name="eelink",
        framer=eelink_framer.Framer,
        device_of=eelink.ADAPTER.device_of,
        reply=eelink.reply,
        answer=binary.eelink_answer,
        timed_reply=eelink.timed_reply,
        port=5064,
    ),
    Protocol(
        name="eview",
        framer=eview_framer.Framer,
        device_of=eview.ADAPTER.device_of,
        reply=eview.reply,
        timed_reply=eview.timed_reply,
        port=5208,
        also=("minifinder2",),
    ),
    Protocol(
        name="gt06",
        framer=gt06_framer.Framer,
        device_of=gt06.ADAPTER.device_of,
        reply=gt06.reply,
        answer=binary.gt06_answer,
        timed_reply=gt06.timed_reply,
        port=5023,
    ),
    Protocol(
        name="jt808",
        framer=jt808_framer.Framer,
        device_of=jt808.ADAPTER.device_of,
        reply=jt808.reply,
        answer=jt808.answer,
        port=5015,
        readdress=jt808.readdress,
        also=("jt808_wire", "huabao"),
    ),
    Protocol(
        name="topin",
        framer=topin_framer.Framer,
        device_of=topin.ADAPTER.device_of,
        reply=topin.reply,
        answer=binary.topin_answer,
        timed_reply=topin.timed_reply,
        port=5199,
    ),
    Protocol(
        name="xexun2",
        framer=xexun2_framer.Framer,
        device_of=xexun2.ADAPTER.device_of,
        reply=xexun2.reply,
        port=5233,
    ),
    Protocol(
        name="xexun3",
        framer=xexun3_framer.Framer,
        device_of=xexun3.ADAPTER.device_of,
        reply=xexun3.reply,
        port=5259,
    ),
    Protocol(
        name="gps103",
        framer=lines.Semicolons,
        device_of=gps103.ADAPTER.device_of,
        reply=gps103.reply,
        port=5001,
    ),
    Protocol(
        name="h02",
        framer=lines.H02,
        device_of=h02.ADAPTER.device_of,
        reply=h02.reply,
        answer=line_words.h02_answer,
        port=5013,
    ),
    Protocol(
        name="laipac",
        framer=lines.NewLines,
        device_of=laipac.ADAPTER.device_of,
        reply=laipac.reply,
        port=5045,
    ),
    Protocol(
        name="megastek",
        framer=lines.Megastek,
        device_of=megastek.ADAPTER.device_of,
        reply=megastek.reply,
        port=5024,
    ),
    Protocol(
        name="mictrack",
        framer=lines.NewLines,
        device_of=mictrack.ADAPTER.device_of,
        reply=mictrack.reply,
        port=5192,
    ),
    Protocol(
        name="minifinder",
        framer=lines.Semicolons,
        device_of=minifinder.ADAPTER.device_of,
        reply=minifinder.reply,
        port=5062,
    ),
    Protocol(
        name="pt60",
        framer=lines.Pt60,
        device_of=pt60.ADAPTER.device_of,
        reply=pt60.reply,
        timed_reply=pt60.answer,
        port=5138,
    ),
    Protocol(
        name="gl200text",
        framer=lines.Queclink,
        device_of=queclink.ADAPTER.device_of,
        reply=queclink.reply,
        readdress=queclink_words.readdress,
        answer=queclink_words.answer,
        port=5004,
        also=("gl200",),
    ),
    Protocol(
        name="r12w",
        framer=lines.NewLines,
        device_of=r12w.ADAPTER.device_of,
        reply=r12w.reply,
        port=5227,
    ),
    Protocol(
        name="tk103",
        framer=lines.Parentheses,
        device_of=tk103.ADAPTER.device_of,
        reply=tk103.reply,
        answer=line_words.tk103_answer,
        port=5002,
    ),
    Protocol(
        name="trv",
        framer=lines.Trv,
        device_of=trv.ADAPTER.device_of,
        reply=trv.reply,
        answer=trv_words.answer,
        timed_reply=trv.login,
        port=5088,
        also=("iw",),
    ),
    Protocol(
        name="wristband",
        framer=lines.Wristband,
        device_of=wristband.ADAPTER.device_of,
        reply=wristband.reply,
        timed_reply=wristband.login,
        port=5176,
    ),
    Protocol(
        name="xexun",
        framer=lines.Xexun,
        device_of=xexun.ADAPTER.device_of,
        reply=xexun.reply,
        port=5006,
    ),
    Protocol(
        name="xexun_lines",
        framer=lines.NewLines,
        device_of=xexun.ADAPTER.device_of,
        reply=xexun.reply,
        port=5506,
    ),
)

BY_NAME: dict[str, Protocol] = {name: protocol for protocol in PROTOCOLS for name in (protocol.name, *protocol.also)}
