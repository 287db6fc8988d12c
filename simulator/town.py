"""Invents the town of a story: who lives where, what they wear, who comes. `plan` is its one function.

Everybody is invented. Telephone numbers begin with 000 and reach nobody; door codes open nothing.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from simulator import makers
from simulator.encoders.encoder import Fix, Transport
from simulator.encoders.registry import ENCODERS
from simulator.life.model import Illness, Mix, Resident, Room, Sensor
from simulator.life.people import invent
from simulator.story import ZONE, Manners, Named, Story
from simulator.town_file import (
    Town,
    TownCommunity,
    TownContact,
    TownDevice,
    TownGateway,
    TownOperator,
    TownPerson,
    TownResident,
    TownShift,
)

CENTRE = (38.4700, 106.2600)  # of the first community; the others stand some kilometres off
SURNAMES = "王李张刘陈杨马赵黄周吴徐孙胡朱高林何郭罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
WOMEN = ("秀兰", "桂英", "淑英", "玉兰", "桂芳", "玉花", "素珍", "凤英", "秀珍", "玉梅", "桂兰", "淑珍", "翠英", "金花")
MEN = ("国庆", "德明", "建国", "志强", "文华", "永福", "玉山", "振华", "长林", "希文", "树森", "保国", "宝贵", "学文")
YOUNG = (
    "丽",
    "强",
    "敏",
    "静",
    "磊",
    "军",
    "洋",
    "勇",
    "娟",
    "涛",
    "明",
    "超",
    "霞",
    "平",
    "刚",
    "晓梅",
    "建华",
    "志远",
)
ROOMS = {Room.BEDROOM: "卧室", Room.LIVING: "客厅", Room.KITCHEN: "厨房", Room.BATHROOM: "浴室", Room.HALL: "门厅",
         Room.OUT: "门厅"}  # fmt: skip
MINUTES = (8, 15, 25, 40, 70)  # a child may live away
SENSORS = {Sensor.DOOR: "door", Sensor.MOTION: "motion", Sensor.SMOKE: "smoke", Sensor.GAS: "gas", Sensor.BED: "bed",
           Sensor.WATER: "meter"}  # fmt: skip
RISKS = {Illness.HEART_FAILURE: "heart_failure", Illness.DIABETES: "diabetes", Illness.HYPERTENSION: "hypertension",
         Illness.DEMENTIA: "dementia", Illness.COPD: "copd", Illness.FRAILTY: "falls"}  # fmt: skip
SCALE_2_PCT = 92.5  # who reads 92 % or less at rest has NEWS2's second scale (RCP 2017), for lungs held at 88 to 92 %
DAY, NIGHT = TownShift(since="07:00", until="19:00"), TownShift(since="19:00", until="07:00")
# Who serves a community, how many of them by day and by night, and on what they are called.
WORKERS: tuple[tuple[str, str, str, int], ...] = (
    ("property", "物业", "mqtt", 2), ("community", "社区", "webhook", 2), ("third_party", "驿站", "webhook", 2),
)  # fmt: skip


def mix(story: Story) -> Mix:
    """Return the kind of people and homes the story wants; mats and meters, which are rare, where it names them."""
    town = story.town
    shares: dict[str, Any] = {"bed": 0.0, "water": 0.0} | dict(town.shares)
    made = Mix(**shares)
    if town.wrist:
        made = replace(made, wrist=town.wrist)
    return replace(made, button=town.button) if town.button else made


def bodies(story: Story, seed: int) -> tuple[Resident, ...]:
    """Return everybody's body and habits; a resident of the story wears what it says."""
    made = list(invent(seed, story.town.residents, mix(story)))
    for number, maker in enumerate(_makers(story)[: len(made)]):
        if makers.wearable(maker):
            made[number] = replace(made[number], household=replace(made[number].household, wrist=maker))
    for number, named in enumerate(story.residents[: len(made)]):
        one = made[number]
        home = one.household
        if named.wears is not None:
            home = replace(home, wrist=named.wears or None)
        made[number] = replace(one, age=named.age or one.age, household=home)
    return tuple(made)


def _makers(story: Story) -> Sequence[str]:
    """Return whose devices stand in the homes, one maker a resident."""
    return tuple(ENCODERS) if story.town.makers == ("every",) else story.town.makers


def plan(story: Story, seed: int) -> Town:
    """Invent the town."""
    draw = random.Random(f"{seed}:town")
    everybody = bodies(story, seed)
    communities = _communities(story.town.communities)
    names = _names(everybody, story.residents, draw)
    people: list[TownPerson] = []
    residents: list[TownResident] = []
    gateways: dict[str, TownGateway] = {}
    lived: Counter[str] = Counter()
    for body, name in zip(everybody, names, strict=True):
        named = story.residents[body.number] if body.number < len(story.residents) else None
        home = _community(body.number, named, communities)
        number = lived[home.name] = lived[home.name] + 1
        base = f"gw-{communities.index(home)}-{(number - 1) // story.town.homes_a_gateway:04d}"
        maker = dict(enumerate(_makers(story))).get(body.number, "")
        devices = tuple(_devices(body, base, story.town.reports_every_min, maker))
        for own in {device.gateway for device in devices if device.gateway}:
            zigbee = own == base
            gateways[own] = TownGateway(
                name=own, base=f"{own}/zigbee2mqtt" if zigbee else own, family="zigbee2mqtt" if zigbee else "home",
                community=home.name,
            )  # fmt: skip
        family = _family(body, name, draw)
        people += family
        risen = _resident(body, name, named, home, draw)
        contacts = tuple(
            TownContact(person=each.key, relation=draw.choice(("女儿", "儿子")), minutes_away=draw.choice(MINUTES))
            for each in family
        )
        born = story.town.begins - timedelta(days=365.25 * body.age + draw.uniform(0, 365))
        residents.append(
            msgspec.structs.replace(risen, devices=devices, contacts=contacts, born=f"{born:%Y-%m-%d}")
        )  # fmt: skip
    for community in communities:
        people += _workers(community, story, draw)
    people.append(_person("ambulance-1", "120 调度台", "ambulance", channel="webhook", organisation="120"))
    return Town(
        title=story.title, seed=seed, begins=story.town.begins, ends=story.town.ends, zone=ZONE,
        communities=tuple(communities), residents=tuple(residents), gateways=tuple(gateways.values()),
        people=tuple(people),
        operators=tuple(
            TownOperator(key=f"operator-{number}", login=f"desk{number}", name=f"坐席{number}")
            for number in range(1, story.desk.number + 1)
        ) + _supervisors(story),
        tcp=tuple(sorted({d.family.partition(".")[0] for r in residents for d in r.devices if d.transport == "tcp"})),
    )  # fmt: skip


def _supervisors(story: Story) -> tuple[TownOperator, ...]:
    if not story.desk.supervisor:
        return ()
    return (TownOperator(key="supervisor-1", login="chief1", name="班长1", role="supervisor"),)


def _communities(names: Sequence[str]) -> list[TownCommunity]:
    lat, lon = CENTRE
    return [
        TownCommunity(name=name, lat=lat + 0.018 * (number // 3), lon=lon + 0.022 * (number % 3))
        for number, name in enumerate(names)
    ]


def _community(number: int, named: Named | None, communities: Sequence[TownCommunity]) -> TownCommunity:
    if named and named.community:
        return next(each for each in communities if each.name == named.community)
    return communities[number % len(communities)]


def _names(everybody: Sequence[Resident], story: Sequence[Named], draw: random.Random) -> list[str]:
    """A name each, none twice."""
    names = [named.name for named in story[: len(everybody)]]
    used = set(names)
    for body in everybody[len(names) :]:
        given = WOMEN if body.sex == "female" else MEN
        name = draw.choice(SURNAMES) + draw.choice(given)
        while name in used:
            name = (
                draw.choice(SURNAMES) + draw.choice(given) + draw.choice("一二三四五六七八九") + draw.choice(given)[0]
            )
        used.add(name)
        names.append(name)
    return names


def _devices(body: Resident, base: str, report_every_min: int, maker: str = "") -> Iterable[TownDevice]:
    home = body.household
    number = body.number + 1
    own = f"home{number}"  # what speaks MQTT on a maker's own topics does so through the home's broker
    if home.wrist:
        alone = home.wrist == "carehub" or makers.encoder(home.wrist).transport is Transport.TCP
        yield makers.worn(home.wrist, number, report_every_min, "" if alone else own)
    if maker and not makers.wearable(maker):
        yield from makers.things(maker, number, own)
    if home.button:
        yield makers.sensor("button", makers.MODELS["button"], "浴室", base, number)
    for what, room in home.sensors:
        kind = SENSORS[what]
        if kind in makers.APART:
            yield makers.apart(kind, ROOMS[room], number)
        else:
            yield makers.sensor(kind, makers.MODELS[kind], ROOMS[room], base, number)


def _resident(body: Resident, name: str, named: Named | None, home: TownCommunity, draw: random.Random) -> TownResident:
    """Herself and where she lives."""
    block, unit, flat = (
        1 + body.number // 48,
        1 + body.number // 16 % 3,
        100 * (1 + body.number % 6) + 1 + body.number % 4,
    )
    risks = {RISKS[each] for each in body.illnesses if each in RISKS} | set(named.risks if named else ())
    if body.household.lives_alone:
        risks.add("lives_alone")
    code = f"{draw.randrange(1000, 10000)}#"
    return TownResident(
        key=f"r{body.number:05d}", name=name, born="", sex=str(body.sex),
        language=named.language if named else draw.choice(("普通话", "宁夏话", "宁夏话", "四川话")),
        ability=("自理", "半失能", "失能")[(body.constitution.frailty > 0.5) + (body.constitution.frailty > 0.8)],
        risks=tuple(sorted(risks)), community=home.name, address=f"{home.name} {block} 号楼 {unit} 单元 {flat}",
        entrance=f"{flat // 100} 楼", phone=f"000 {body.number // 10000:04d} {body.number % 10000:04d}",
        lat=round(home.lat + draw.uniform(-0.004, 0.004), 6), lon=round(home.lon + draw.uniform(-0.004, 0.004), 6),
        key_place=named.key_place if named and named.key_place is not None else "物业值班室",
        door_code=named.door_code if named and named.door_code is not None else code,
        spo2_scale=2 if Illness.COPD in body.illnesses and body.constitution.spo2_pct < SCALE_2_PCT else 1,
        index=body.number,
    )  # fmt: skip


def _family(body: Resident, name: str, draw: random.Random) -> list[TownPerson]:
    number = draw.choice((1, 1, 2))
    return [
        _person(
            f"family-{body.number:05d}-{each}", f"{name[0]}{draw.choice(YOUNG)}", "family",
            phone=f"000 {7000 + each} {body.number:05d}",
        )
        for each in range(1, number + 1)
    ]  # fmt: skip


def _workers(community: TownCommunity, story: Story, draw: random.Random) -> Iterable[TownPerson]:
    """Each role has so many people by day and as many by night; a story may name other numbers and hours."""
    for role, title, channel, usual in WORKERS:
        own = _manners(story, role, community.name)
        number = own.number if own and own.number else usual
        shifts = [TownShift(since=own.shift[0], until=own.shift[1])] if own and own.shift else [DAY, NIGHT]
        for at, shift in enumerate(shifts):
            for each in range(number):
                key = f"{role}-{community.name}-{at}-{each}"
                yield _person(
                    key, f"{community.name[:2]}{title}{draw.choice(SURNAMES)}{draw.choice(YOUNG)}", role,
                    channel=channel, area=community.name, organisation=f"{community.name}{title}", shift=shift,
                    place=(community.lat + draw.uniform(-0.003, 0.003), community.lon + draw.uniform(-0.003, 0.003)),
                )  # fmt: skip


def _manners(story: Story, role: str, area: str) -> Manners | None:
    fitting = [each for each in story.people if each.who == role and each.of in ("", area)]
    return max(fitting, key=lambda each: bool(each.of), default=None)


def _person(
    key: str, name: str, role: str, *, channel: str = "webhook", area: str = "", organisation: str = "",
    phone: str = "", shift: TownShift | None = None, place: tuple[float, float] | None = None,
) -> TownPerson:  # fmt: skip
    lat, lon = place or (None, None)
    return TownPerson(
        key=key, name=name, role=role, area=area, organisation=organisation,
        phone=phone or f"000 9000 {abs(hash_of(key)) % 100_000:05d}", channels=(channel,), lat=lat, lon=lon,
        shift=shift,
    )  # fmt: skip


def fix(home: TownResident, away_m: float, bearing_deg: float) -> Fix:
    """Return where somebody is who is so far from home."""
    north, east = (away_m * turn(math.radians(bearing_deg)) / 111_320 for turn in (math.cos, math.sin))
    return Fix(lat=home.lat + north, lon=home.lon + east / math.cos(math.radians(home.lat)), valid=True)


def hash_of(text: str) -> int:
    """A number of a text, the same in every run."""
    return random.Random(text).getrandbits(31)
