"""What goes wrong with devices and networks: a story's troubles put on the conditions of those they concern."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from simulator.chronicle import Chronicle
from simulator.condition import Condition
from simulator.encoders.encoder import Fix
from simulator.lockstep import Lockstep
from simulator.quirks import Quirk
from simulator.speakers import Speaker
from simulator.story import Breaks, Fault, Story
from simulator.town_file import Endpoint, Town, TownGateway, Trouble
from simulator.wire import MqttLine, Traffic

LASTS_S = 3_600.0
BATTERY_S = 86_400.0
WORN_OUT_PCT = 18.0  # what is left of a battery that begins to run down
LOOKS = (0.0, 0.35, 0.7, 1.0)  # of the time till it is empty, when the device looks at it besides its reports
PPM = 200.0  # of a clock that drifts: seventeen seconds a day
EPOCH, MILLENNIUM = datetime(1970, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
LATE_S, JUMPS_S, SKEW_S = 600.0, 7_200.0, 10_800.0
CUT_SHARE = 0.3
LINES_AT_ONCE = 100  # opened again together when a network is back
RETURN_LIMIT_S = 60.0  # of real time; who has no line by then stays away, and the report says so
FLOOD_MOST = 2_000  # messages in one second of the town


@dataclass
class Bridge:
    """A gateway's one connection, and the devices behind it."""

    gateway: TownGateway
    line: MqttLine
    speakers: list[Speaker] = field(default_factory=list)

    def hello(self) -> None:
        """It is there, and so is everything behind it. A home's own broker says nothing of itself."""
        if self.gateway.family == "zigbee2mqtt":
            self.line.publish(f"{self.gateway.base}/bridge/state", b'{"state":"online"}', retain=True)


@dataclass
class Breakdowns:
    """Lets the story's troubles begin and end."""

    town: Town
    story: Story
    clock: Lockstep
    chronicle: Chronicle
    speakers: Sequence[Speaker]
    bridges: Mapping[str, Bridge]
    listener: Endpoint
    secrets: Mapping[str, tuple[str, str]]  # address → user name and secret
    seed: str
    thieves: list[MqttLine] = field(default_factory=list)
    stolen: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.seed}:breakdowns")

    def prepare(self) -> None:
        """Put every trouble into the calendar."""
        for fault in self.story.faults:
            self.clock.at(self.town.begins + timedelta(seconds=fault.at_s), partial(self._begin, fault))

    def _begin(self, fault: Fault) -> None:
        match fault.what:
            case Breaks.GATEWAY | Breaks.POWER:
                number = self._gateways(fault)
            case Breaks.NETWORK:
                number = self._network(fault)
            case Breaks.STOLEN_KEY:
                number = self._stolen(fault)
            case Breaks.BATTERY:
                number = self._batteries(fault)
            case Breaks.PIECES:
                number = self._pieces(fault)
            case _:
                number = self._conditions(fault)
        until = self.clock.now + timedelta(seconds=fault.lasts_s) if fault.lasts_s else None
        who = fault.who.name or fault.who.community or "everybody"
        self.chronicle.trouble(
            Trouble(what=str(fault.what), who=who, at=self.clock.now, until=until, devices=number, note=fault.note)
        )

    # ---- whom ----

    def _worn(self, fault: Fault) -> list[Speaker]:
        """Return the devices that it concerns: those named, or those with a line of their own."""
        found = [each for each in self.speakers if _meant(fault, each) and self._concerns(fault, each)]
        if fault.who.number is not None:
            found = self.draw.sample(found, min(fault.who.number, len(found)))
        return [each for each in found if self.draw.random() < fault.share]

    def _concerns(self, fault: Fault, speaker: Speaker) -> bool:
        who = fault.who
        if who.name:
            return speaker.resident.name == who.name
        return who.community in ("", speaker.resident.community)

    def _bridges(self, fault: Fault) -> list[Bridge]:
        who = fault.who
        found = [
            each for each in self.bridges.values()
            if who.community in ("", each.gateway.community)
            and (not who.name or any(one.resident.name == who.name for one in each.speakers))
        ]  # fmt: skip
        if fault.what is Breaks.GATEWAY and not who.name:
            return sorted(found, key=lambda each: -len(each.speakers))[: who.number or 1]
        return found

    # ---- what ----

    def _conditions(self, fault: Fault) -> int:
        """A change of the devices themselves, taken back when it is over."""
        change, undo = self._change(fault)
        concerned = self._worn(fault)
        for each in concerned:
            change(each.condition)
            if fault.what is Breaks.QUIRK and fault.quirk is None:  # each its own
                each.condition.quirk = self.draw.choice(list(Quirk))

        def over() -> None:
            for each in concerned:
                undo(each.condition)
                if fault.what is Breaks.QUIRK:  # it knows again where it is
                    each.words.fix = Fix(lat=each.resident.lat, lon=each.resident.lon, valid=False)
                if not each.condition.offline:
                    each.back()

        self.clock.after(fault.lasts_s or LASTS_S, over)
        return len(concerned)

    def _change(self, fault: Fault) -> tuple[Callable[[Condition], None], Callable[[Condition], None]]:
        changes: dict[Breaks, dict[str, object]] = {
            Breaks.CLOCK: {"skew_s": fault.by_s or SKEW_S},
            Breaks.CLOCK_JUMPS: {"jumps_s": abs(fault.by_s) or JUMPS_S},
            Breaks.REPEATS: {"copies": max(2, fault.times)},
            Breaks.LATE: {"late_s": abs(fault.by_s) or LATE_S},
            Breaks.DISORDER: {"late_s": abs(fault.by_s) or LATE_S, "disorder": True},
            Breaks.CUT: {"cut": CUT_SHARE},
            Breaks.FIRMWARE: {"nonsense": True},
            Breaks.QUIRK: {"quirk": fault.quirk},
            Breaks.DRIFT: {"drifts_ppm": fault.ppm or PPM, "drifts_since": self.clock.now},
            Breaks.CLOCK_1970: {"skew_s": (EPOCH - self.clock.now).total_seconds()},
            Breaks.CLOCK_2000: {"skew_s": (MILLENNIUM - self.clock.now).total_seconds()},
            Breaks.CLOCK_SUMMER: {"skew_s": 3_600.0},
            Breaks.CLOCK_ZONE: {"skew_s": fault.by_s or 28_800.0},
        }
        values = changes[fault.what]
        plain = Condition()

        def change(condition: Condition) -> None:
            for name, value in values.items():
                setattr(condition, name, value)

        def undo(condition: Condition) -> None:
            for name in values:
                setattr(condition, name, getattr(plain, name))

        return change, undo

    def _batteries(self, fault: Fault) -> int:
        lasts_s = fault.lasts_s or BATTERY_S
        concerned = self._worn(fault)
        with_one = [each for each in concerned if each.supply is not None]
        for each in with_one:
            assert each.supply is not None
            each.supply.runs_down(self.clock.now, WORN_OUT_PCT, timedelta(seconds=lasts_s))
            for share in LOOKS:
                self.clock.after(share * lasts_s, each.drain)
        return len(with_one)

    def _pieces(self, fault: Fault) -> int:
        """Every packet goes out in some pieces, as a slow network hands them over."""
        lines = [line for each in self._worn(fault) for line in (each.mqtt, each.tcp) if line is not None]
        for line in lines:
            line.pieces = self.draw

        def over() -> None:
            for line in lines:
                line.pieces = None

        self.clock.after(fault.lasts_s or LASTS_S, over)
        return len(lines)

    def _gateways(self, fault: Fault) -> int:
        """What hangs on it is silent: a dead gateway keeps nothing, and its will says that it has gone."""
        concerned = self._bridges(fault)
        self._silence(concerned)
        if fault.lasts_s:
            self.clock.after(fault.lasts_s, partial(self._return, concerned))
        return sum(len(each.speakers) for each in concerned)

    def _silence(self, bridges: Iterable[Bridge]) -> None:
        for bridge in bridges:
            bridge.line.close(rudely=True)
            for speaker in bridge.speakers:
                speaker.condition.dead = True

    async def _opened(self, lines: Sequence[MqttLine]) -> set[MqttLine]:
        """Open lines again; return those that are."""

        async def one(line: MqttLine) -> None:
            try:
                async with asyncio.timeout(RETURN_LIMIT_S):
                    await line.open()
            except TimeoutError:
                self.clock.fault(f"{line.username}: no line again within {RETURN_LIMIT_S:.0f} s")
            else:
                found.add(line)

        found: set[MqttLine] = set()
        for start in range(0, len(lines), LINES_AT_ONCE):
            await asyncio.gather(*(one(line) for line in lines[start : start + LINES_AT_ONCE]))
        return found

    async def _return(self, bridges: Sequence[Bridge]) -> None:
        there = await self._opened([bridge.line for bridge in bridges])
        for bridge in bridges:
            if bridge.line not in there:
                continue
            bridge.hello()
            for speaker in bridge.speakers:
                speaker.condition.dead = False
                speaker.hello()

    def _network(self, fault: Fault) -> int:
        """Watches keep what they have to say; gateways do not. Afterwards everything comes at once."""
        concerned = self._worn(fault)
        bridges = self._bridges(fault) if fault.share == 1.0 else []
        for each in concerned:
            each.condition.offline = True
            if each.mqtt:
                each.mqtt.close(rudely=True)
            if each.tcp:
                each.tcp.close()
        self._silence(bridges)

        async def over() -> None:
            there = await self._opened([each.mqtt for each in concerned if each.mqtt and not each.condition.flat])
            for each in concerned:
                if each.mqtt and each.mqtt not in there and not each.condition.flat:
                    continue
                each.condition.offline = False
                if each.mqtt:
                    each.hello()
                each.back()
            await self._return(bridges)

        self.clock.after(fault.lasts_s or LASTS_S, over)
        return len(concerned) + sum(len(each.speakers) for each in bridges)

    def _stolen(self, fault: Fault) -> int:
        """Somebody else signs in with a device's key and sends whatever comes to mind, as fast as he may."""
        able = [each for each in self._worn(fault) if each.device.address in self.secrets and each.mqtt]
        for victim in able[:1]:
            username, secret = self.secrets[victim.device.address]
            thief = MqttLine(self.listener, username, secret, self.stolen, client=f"{username}-thief")
            self.thieves.append(thief)
            ends = self.clock.now + timedelta(seconds=fault.lasts_s or 60.0)
            self.clock.after(0, partial(self._flood, thief, victim, min(fault.times, FLOOD_MOST), ends))
        return len(able[:1])

    async def _flood(self, thief: MqttLine, victim: Speaker, times: int, ends: datetime) -> None:
        if not thief.connects:
            try:
                await thief.open()
            except TimeoutError:
                return  # the hub will not have him
        topic = f"carehub/{victim.device.name}/vitals"
        for _ in range(times):
            said = b'{"hr":%d,"seq":%d}' % (self.draw.randrange(300), self.draw.getrandbits(40))
            thief.publish(topic, said, done=partial(victim.heard, topic))
        await self.clock.real(self.stolen, 5.0)
        if self.clock.now < ends:
            self.clock.after(1.0, partial(self._flood, thief, victim, times, ends))
        else:
            thief.close()


def _meant(fault: Fault, speaker: Speaker) -> bool:
    device = speaker.device
    if fault.devices:
        return fault.devices in (device.kind, device.family, device.family.partition(".")[0])
    return not device.gateway
