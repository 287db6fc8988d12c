"""Devices as they are: what each says goes through its condition – flat, out of reach, late, cut – to its line.

A press is insisted on: the same message again every few seconds until the wire has acknowledged it, and, where the
maker says so, until the device has heard 收到.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulator import makers, quirks
from simulator.condition import Battery, Condition
from simulator.encoders import carehub, watch3g, wire_faults
from simulator.encoders.encoder import Awaits, Body, Encoder, Fix, Messages, Outgoing
from simulator.encoders.encoder import Device as Words
from simulator.lockstep import Lockstep
from simulator.quirks import Quirk
from simulator.town_file import Counted, Sent, TownDevice, TownResident
from simulator.wire import Greeting, MqttLine, TcpLine

KEPT = 600  # messages a device keeps while it has no line; the oldest go first, a press never
AT_ONCE = 40  # kept messages that a tracker sends in one piece
INSISTS_S = 5.0
INSISTS = 720  # an hour of it
LOW_PCT, CHARGED_PCT = 15.0, 30.0  # it says so once between the two
TWICE_S = 1.5
HEARD_MOST = 4_096  # bytes a device remembers of what it heard while it waits for an answer
NONSENSE = b'\xff\x00{"hr": NaN, ]'
Kept = tuple[Sequence[Outgoing], Sent | None, bytes]  # said at once, what it is about, what answers the last of it


@dataclass
class Speaker:
    """One device of a resident."""

    device: TownDevice
    resident: TownResident
    clock: Lockstep
    counted: Counted
    seed: str
    mqtt: MqttLine | None = None
    tcp: TcpLine | None = None
    asked: Callable[["Speaker"], None] = lambda _speaker: None  # the hub asks whether she is all right
    measure: Callable[["Speaker"], None] = lambda _speaker: None  # it is told to measure
    condition: Condition = field(default_factory=Condition)
    supply: Battery | None = None  # None: it hangs on the mains
    words: Words = field(init=False)
    encoder: Encoder = field(init=False)
    _kept: deque[Kept] = field(default_factory=deque)
    _unheard: dict[str, Sent] = field(default_factory=dict)
    _flushing: bool = False
    _low: bool = False  # it has said so
    _last: tuple[str, bool] | None = None  # what a sensor said last, which one without a battery says again

    def __post_init__(self) -> None:
        self.encoder = makers.encoder(self.device.family)
        self.random = random.Random(self.seed)
        self.words = Words(
            address=self.device.address, seed=self.seed, model=makers.own_model(self.device),
            prefix=makers.prefix(self.device),
        )  # fmt: skip
        self.can = frozenset(makers.words(self.device))
        self.words.battery_pct = self.random.randint(55, 100)
        self.words.fix = Fix(lat=self.resident.lat, lon=self.resident.lon, valid=False)

    # ---- what is said ----

    def time(self) -> datetime:
        """What its own clock says."""
        wrong = self.condition.skew_s
        if self.condition.drifts_since is not None:
            wrong += self.condition.drifts_ppm * 1e-6 * (self.clock.now - self.condition.drifts_since).total_seconds()
        if self.condition.jumps_s:
            wrong += self.random.uniform(-self.condition.jumps_s, self.condition.jumps_s)
        return self.clock.now + timedelta(seconds=wrong)

    def stamp(self, at: datetime) -> datetime:
        """What its clock said at a moment of the past minute."""
        return at + (self.time() - self.clock.now)

    def report(self, at: datetime, body: Body, steps: int, *, worn: bool) -> None:
        """One report of a watch: wide where it can be, else as many words as the maker has."""
        self.drain()
        quirk = self.condition.quirk
        quirks.before_a_report(quirk, self.words, self.random)
        body, felt = quirks.body(quirk, body, worn=worn), worn or quirk in quirks.NO_CONTACT
        if self.device.family == "carehub":
            self.say((carehub.wide(self.words, self.stamp(at), body, steps, worn=felt),))
            self._place(at)
            return
        said = list(self.encoder.vitals(self.words, self.stamp(at), body)) if self.encoder.vitals and felt else []
        if self.encoder.steps:
            said += self.encoder.steps(self.words, self.stamp(at), self.words.steps + steps)
        elif self.encoder.heartbeat:
            said += self.encoder.heartbeat(self.words, self.stamp(at))
        if not said:
            said += self._alive(at)
        self.say(tuple(said))
        self._place(at)

    def _place(self, at: datetime) -> None:
        """A firmware that believes in its place says it."""
        if self.condition.quirk is Quirk.NULL_ISLAND and self.encoder.position:
            self.say(self.encoder.position(self.words, self.stamp(at), quirks.NOWHERE))

    def drain(self) -> None:
        """Look at what is left: say when it is little, go dark at nothing, be there again when it is charged."""
        if self.supply is None:
            return
        left = self.supply.left_pct(self.clock.now)
        if self.condition.quirk is not Quirk.STUCK:
            self.words.battery_pct = round(left)
        if left <= 0.0 and not self.condition.flat:
            self._goes_dark()
        elif left > 0.0 and self.condition.flat:
            self.clock.work(self._lights_up())
        elif left > CHARGED_PCT:
            self._low = False
        elif left <= LOW_PCT and not self._low:
            self._low = True
            if self.encoder.low_battery and "low_battery" in self.can:
                self.say(self.encoder.low_battery(self.words, self.time(), f"{int(self.clock.now.timestamp()):x}"))

    def _goes_dark(self) -> None:
        self.condition.flat = True
        if not self.device.gateway and self.mqtt:
            self.mqtt.close(rudely=True)
            self.mqtt.forget()
        if self.tcp:
            self.tcp.close()

    async def _lights_up(self) -> None:
        self.condition.flat = False
        if self.mqtt and not self.device.gateway and not self.condition.offline:
            await self.mqtt.open()
        self.hello()

    def _alive(self, at: datetime) -> Messages:
        """What a tracker says that has no word for being there."""
        if self.encoder.position:
            return self.encoder.position(self.words, self.stamp(at), self.words.fix)
        return self.encoder.battery(self.words, self.stamp(at), self.words.battery_pct) if self.encoder.battery else ()

    def check_in(self, at: datetime) -> None:
        """What a button or sensor says when nothing has happened for hours."""
        self.drain()
        if self.encoder.battery and "battery" in self.can:
            self.say(self.encoder.battery(self.words, self.stamp(at), self.words.battery_pct))
        elif self._last is not None:
            self.state(self._last[0], at, self._last[1])

    def state(self, kind: str, at: datetime, on: bool) -> None:
        """A sensor's word: door, motion, smoke, gas, worn."""
        word = getattr(self.encoder, kind)
        if word is not None:
            if self.condition.quirk is Quirk.STUCK and self._last is not None:
                on = self._last[1]
            self._last = (kind, on)
            self.say(word(self.words, self.stamp(at), on))

    def count(self, at: datetime, litres: float) -> None:
        """What a meter shows."""
        if self.encoder.meter:
            self.say(self.encoder.meter(self.words, self.stamp(at), round(litres)))

    def alarm(self, kind: str, sent: Sent) -> None:
        """A press, fall, smoke or gas: under one identity until it is acknowledged."""
        identity = f"{int(self.clock.now.timestamp()):x}-{self.random.getrandbits(32):08x}"
        stamped = self.time()
        word = {"sos": self.encoder.press, "fall": self.encoder.fall, "cancel": self.encoder.cancel}.get(kind)
        if word is not None:
            messages = word(self.words, stamped, identity)
        else:
            state = getattr(self.encoder, kind)
            messages = state(self.words, stamped, True)
        sent.stamped_at = stamped
        if self.device.family == "carehub" and kind in ("sos", "fall"):
            sent.identity = f"{kind}:{identity}"
            self._unheard[identity] = sent
        self._insist(messages, sent, 0, self.words.owed)
        if self.condition.quirk is Quirk.TWICE and word is not None and kind == "sos":
            again = word(self.words, self.time(), f"{identity}-2")
            self.clock.after(TWICE_S, lambda: self.say(again))

    def say(self, messages: Sequence[Outgoing], sent: Sent | None = None, owed: bytes | None = None) -> None:
        """Put messages through the device's condition. `owed`: what answers the last; None: of what was made last."""
        state = self.condition
        owed = self.words.owed if owed is None else owed
        if state.mute or not messages:
            self.counted.dropped += len(messages) if state.mute else 0
            return
        messages = [quirks.altered(state.quirk, message, self.random) for message in messages]
        if state.offline or state.late_s:
            self._keep(messages, sent, owed)
            return
        garbled = [self._garbled(message) for message in messages]
        self._out(garbled, sent, owed, whole=_whole(garbled, messages))

    def back(self) -> None:
        """There is a line again: say what was kept, at once."""
        kept, self._kept = list(self._kept), deque()
        if self.condition.disorder:
            self.random.shuffle(kept)  # as wire_faults.late, each with what it is about
        together: list[Outgoing] = []  # over TCP what rings nobody goes in one piece and waits for one answer
        last = b""
        for messages, sent, owed in kept:
            garbled = [self._garbled(message) for message in messages]
            whole = _whole(garbled, messages)
            joins = self.tcp is not None and sent is None and whole
            if joins:
                together, last = [*together, *messages], owed or last
                if len(together) < AT_ONCE:
                    continue
            if together:
                self._out(together, None, last)
                together, last = [], b""
            if not joins:
                self._out(garbled, sent, owed, whole=whole)
        if together:
            self._out(together, None, last)

    def hello(self) -> None:
        """What it says when its line comes up."""
        if self.encoder.login:
            self.say(self.encoder.login(self.words, self.time()))

    # ---- what is heard ----

    def hear(self, _topic: str, payload: bytes) -> None:
        """A word from the hub to a watch of carehub's profile."""
        told = carehub.said(payload)
        order = told.get("do")
        if isinstance(order, dict):
            if order.get("type") == "measure":
                self.measure(self)
            elif order.get("type") == "locate" and self.encoder.position:
                self.say(self.encoder.position(self.words, self.time(), self.words.fix))
            return
        if told.get("say") == "received":
            sent = self._unheard.pop(str(told.get("id", "")), None)
            if sent and sent.heard_at is None:
                sent.heard_at = self.clock.now
        elif told.get("say") == "asking":
            self.asked(self)

    def hear_tcp(self, chunk: bytes) -> None:
        """A 3G watch says an order back before it obeys."""
        if self.device.family != "watch3g" or self.tcp is None:
            return
        for word in watch3g.answers(bytearray(chunk)):
            if word in watch3g.ORDERS:
                self.tcp.order(watch3g.echo(self.device.name, word))

    def heard(self, topic: str) -> None:
        """The hub has acknowledged something in its name."""
        self.counted.heard += 1
        self.counted.topics[topic] = self.counted.topics.get(topic, 0) + 1

    # ---- the way out ----

    def _insist(self, messages: Sequence[Outgoing], sent: Sent, tries: int, owed: bytes) -> None:
        """Say it, and again until it is acknowledged and, by carehub's profile, heard."""
        quiet = sent.identity is None or sent.heard_at is not None
        if tries and sent.saved_at is not None and (quiet or tries > 3):
            return
        if self.condition.mute:
            sent.reachable = sent.first_at is not None and sent.saved_at is None
            return
        self.say(messages, sent, owed)
        if tries < INSISTS and self.encoder.press is not None and not self.device.gateway:
            self.clock.after(INSISTS_S, lambda: self._insist(messages, sent, tries + 1, owed))

    def _keep(self, messages: Sequence[Outgoing], sent: Sent | None, owed: bytes) -> None:
        if sent is not None and any(known is sent for _, known, _ in self._kept):
            return
        self._kept.append((messages, sent, owed))
        while sum(len(said) for said, _, _ in self._kept) > KEPT:
            place = next((at for at, (_, known, _) in enumerate(self._kept) if known is None), None)
            if place is None:
                break
            self.counted.dropped += len(self._kept[place][0])
            del self._kept[place]
        if self.condition.late_s and not self.condition.offline and not self._flushing:
            self._flushing = True
            self.clock.after(self.condition.late_s, self._burst)

    def _burst(self) -> None:
        self._flushing = False
        if not self.condition.offline:
            self.back()

    def _garbled(self, message: Outgoing) -> Outgoing:
        """What becomes of a message in a broken firmware, or on a line that is cut."""
        state = self.condition
        if not state.nonsense and (not state.cut or self.random.random() >= state.cut):
            return message
        self.counted.nonsense += 1
        if state.nonsense:
            return Outgoing(transport=message.transport, payload=NONSENSE, topic=message.topic)
        return wire_faults.cut(message, len(message.payload) // 2)

    def _out(self, messages: Sequence[Outgoing], sent: Sent | None, owed: bytes, *, whole: bool = True) -> None:
        if sent is not None:
            sent.copies += 1
            sent.spoilt += not whole
            sent.first_at = sent.first_at or self.clock.now
            if whole:
                sent.whole_at = sent.whole_at or self.clock.now
        first = sent is None or sent.copies == 1
        number = sum(not makers.of_gateway(message) for message in messages)
        self.counted.sent += number if first else 0
        self.counted.copies += number * (self.condition.copies - 1) + (0 if first else number)
        if self.mqtt is not None:
            for message in messages:
                for at, copy in enumerate(wire_faults.repeated((message,), self.condition.copies)):
                    self._publish(copy, sent if at == 0 else None, count=first and at == 0)
        elif self.tcp is not None:
            self._frames(messages, sent, owed, count=first, cut=not whole and not self.condition.nonsense)

    def _publish(self, message: Outgoing, sent: Sent | None, *, count: bool) -> None:
        assert self.mqtt is not None

        own = not makers.of_gateway(message)

        def done() -> None:
            self.heard(message.topic)
            self.counted.saved += count and own
            if sent is not None and sent.saved_at is None:
                sent.saved_at = self.clock.now

        self.mqtt.publish(message.topic, message.payload, retain=message.retain, done=done)

    def _frames(
        self, messages: Sequence[Outgoing], sent: Sent | None, owed: bytes, *, count: bool, cut: bool
    ) -> None:  # fmt: skip
        """Frames in a row; the last one waits for its answer, so that what came before it has been read too.

        Half a frame is where the connection broke: it is never answered, and a press goes again over the next one.
        """
        frames = [message.payload for message in messages] * self.condition.copies
        settles = None if cut or self.condition.nonsense else self._settles(owed)
        number = len(messages) if count else 0
        self.clock.work(self._broken(frames, number) if cut else self._told(frames, settles, sent, number))

    def _settles(self, owed: bytes) -> Callable[[bytes], bool] | None:
        """Return what knows the answer that is owed; None: nothing is waited for."""
        acknowledged = self.encoder.acknowledged
        if self.encoder.awaits is not Awaits.REPLY or acknowledged is None or not owed:
            return None
        heard = bytearray()

        def settles(chunk: bytes) -> bool:
            """Answers to several frames come in one piece, or one in several: the last one ends what was heard."""
            heard.extend(chunk)
            del heard[:-HEARD_MOST]
            now, self.words.owed = self.words.owed, owed
            try:
                return any(acknowledged(self.words, bytes(heard[start:])) for start in range(len(heard)))
            finally:
                self.words.owed = now

        return settles

    async def _broken(self, frames: Sequence[bytes], number: int) -> None:
        assert self.tcp is not None
        if await self.tcp.say(frames, None, self._greeting):
            self.counted.saved += number
        self.tcp.close()

    def _greeting(self) -> Greeting:
        """Who it is, and what settles that: first on every connection, and later frames of many do not say it."""
        if self.encoder.login is None:
            return [], None
        owed = self.words.owed
        frames = [message.payload for message in self.encoder.login(self.words, self.time())]
        welcome = self._settles(self.words.owed)
        self.words.owed = owed
        return frames, welcome

    async def _told(
        self, frames: Sequence[bytes], settles: Callable[[bytes], bool] | None, sent: Sent | None, number: int
    ) -> None:
        assert self.tcp is not None
        if await self.tcp.say(frames, settles, self._greeting):
            self.counted.saved += number
            self.counted.heard += len(frames) * (settles is not None)
            if sent is not None and sent.saved_at is None:
                sent.saved_at = self.clock.now


def _whole(now: Sequence[Outgoing], before: Sequence[Outgoing]) -> bool:
    return all(one is other for one, other in zip(now, before, strict=True))
