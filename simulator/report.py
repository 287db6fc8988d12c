"""The oracle's report as one HTML page that needs nothing else: for whoever decides, in Chinese and English."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from simulator import plots
from simulator.story import ZONE
from simulator.times import Times
from simulator.town_file import Truth
from simulator.verdict import Finding, Level, Verdict

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --quiet: #52606d; --faint: #616e7c; --line: #d9dee5;
        --good: #f0fff4; --good-line: #9ae6b4; --bad: #fff5f5; --bad-line: #feb2b2 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --paper: #14191f; --quiet: #a7b3bf; --faint: #9aa5b1; --line: #35404b;
          --good: #12291d; --good-line: #2f6b47; --bad: #331a1a; --bad-line: #8a3a3a } }
body { font: 15px/1.5 "Noto Sans CJK SC", "Source Han Sans SC", system-ui, sans-serif; color: var(--ink);
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: var(--paper); overflow-wrap: break-word }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
.about { color: var(--quiet); max-width: 48rem } .small { color: var(--faint); font-size: .85rem }
.drill { border: 2px solid #b7791f; border-radius: .5rem; padding: .5rem 1rem }
.verdict { display: flex; gap: .8rem; flex-wrap: wrap; margin: 1.2rem 0 }
.verdict div { border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1rem; min-width: 7rem }
.verdict b { display: block; font-size: 1.7rem; line-height: 1.2 }
.verdict .good { border-color: var(--good-line); background: var(--good) }
.verdict .bad { border-color: var(--bad-line); background: var(--bad) }
.wide { overflow-x: auto } td:first-child { min-width: 7rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th { text-align: left; font-weight: 600; color: var(--quiet) }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
vertical-align: top } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
@media (max-width: 40rem) { body { margin: 1rem auto } .verdict { gap: .5rem }
  .verdict div { flex: 1 1 40%; min-width: 0; padding: .5rem .7rem } svg { min-width: 34rem } }
@media print { body { margin: 0; max-width: none } }
"""
FINDINGS_SHOWN = 60
NEWLINE = r"\n"  # as it stands in what an exception says of itself
NOBODY = "没有需要有人到场的警情 There was no case to which anybody had to come"
DRILL = (
    '<p class="drill"><b>演练 Drill</b> · 坐席由真人操作，居民、设备和警情都是模拟的 '
    "People sat at the desk; residents, devices and calls were simulated</p>"
)
EXPLAINED = (
    "<p>无事但属实：告警说的是真的，只是没有发生什么——她平时血氧就低（系统头几天还不认识她），手表在充电或放在桌上，"
    "她出门了而没有人告诉系统。So, though nothing happened: what the alert says was true. Her saturation always is "
    "that low and the hub does not know her yet; the watch lay on its charger or the table; she was away and nobody "
    "had told the hub.</p>"
)
CHINESE = {
    "presses for help": "按铃求助", "presses by accident": "误触", "presses to test": "测试", "falls": "跌倒",
    "presses out of loneliness": "想有人说话", "presses and can only say help": "只会说救命",
    "falls and says it was nothing": "跌倒，自己说没事", "falls behind a locked door": "反锁的门后跌倒",
    "gets a fever": "发烧", "gets short of breath": "喘不上气", "heart races": "心跳过快",
    "heart slows down": "心跳过慢", "stays in bed": "整天卧床", "wanders off": "走失", "burns the supper": "烧糊了饭",
    "leaves the gas on": "忘关燃气", "leaves the tap running": "忘关水龙头", "dies in her sleep": "睡梦中去世",
    "sos": "求助", "fall": "跌倒", "smoke": "烟雾", "gas": "燃气", "water": "漏水", "vitals": "体征",
    "stillness": "久无活动", "routine": "作息异常", "wandering": "走失", "silence": "设备失联", "device": "设备",
    "system": "系统", "batteries run down": "电池耗尽", "clocks are wrong": "时钟不准",
    "clocks jump about": "时钟乱跳", "messages are repeated": "消息重复", "messages come late in bursts": "消息迟到",
    "messages come out of order": "消息乱序", "messages are cut": "消息截断", "the network is down": "断网",
    "a gateway dies": "网关故障", "the power is cut": "停电", "the firmware is broken": "固件故障",
    "a key is stolen": "密钥被盗", "everybody": "所有人", "messages": "消息", "page": "呼叫",
    "cases": "警情", "calls": "需要有人到场的警情", "false alarms": "误报", "found": "发现", "all": "合计",
    "unanswered": "没有人接",
    "longest to a human": "最久等多久有人接", "longest to the door": "最久等多久有人到门口",
    "alerts under another's name": "记在别人名下的告警", "has water on the floor": "地上有水",
    "lives with low saturation": "平时血氧就低", "watch lay, not worn": "手表没戴",
    "away, nobody told the hub": "出门没人说",
}  # fmt: skip


def page(truth: Truth, verdict: Verdict, *, drill: bool = False) -> str:
    """Return the whole page; `drill`: people sat at the desk."""
    hours = (truth.ends - truth.begins).total_seconds() / 3600
    sections = [
        f"<h1>{escape(truth.title)}</h1>",
        DRILL if drill else "",
        f'<p class="small">模拟，不是真实警情 Simulated, no real calls · {truth.residents} 位长者 residents · '
        f"{_day(truth.begins)} — {_day(truth.ends)}（{hours:.3g} h）· seed {truth.seed}</p>",
        f'<p class="about">{escape(truth.about)}</p>' if truth.about else "",
        _verdict(verdict),
        _expected(verdict),
        _findings("丢失 Lost", verdict.lost) + _findings("凭空出现 Invented", verdict.invented),
        _findings("迟到 Late", verdict.late) + _findings("没有结束 Not ended", verdict.unended),
        _people(verdict),
        _kinds(verdict),
        _alarms(verdict),
        _lent(verdict),
        _families(verdict),
        _troubles(truth),
        _faults(verdict),
        f'<p class="small">{verdict.messages_sent:,} 条消息 messages, {verdict.messages_saved:,} 已确认 acknowledged, '
        f"{verdict.messages_stored:,} 已保存 stored · {truth.steps:,} steps · {truth.took_s:,.0f} s · "
        f"simulator {truth.cpu_s:,.0f} s CPU</p>",
    ]
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(truth.title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(sections)}</body></html>"
    )


def _verdict(verdict: Verdict) -> str:
    tiles = (
        ("丢失 lost", len(verdict.lost), True), ("凭空 invented", len(verdict.invented), True),
        ("迟到 late", len(verdict.late), True), ("未结束 not ended", len(verdict.unended), True),
        ("不如预期 not as expected", len(verdict.unmet), True),
        ("呼救与告警 told", verdict.told, False), ("警情 cases", verdict.incidents, False),
        ("呼叫 pages", verdict.pages, False), ("佩戴人日 wearer-days", round(verdict.wearer_days, 1), False),
    )  # fmt: skip
    cells = "".join(
        f'<div class="{("bad" if value else "good") if judged else ""}"><b>{value:,}</b>{escape(name)}</div>'
        for name, value, judged in tiles
    )
    spoilt = f"另有 {verdict.unsaid} 次没有电或没有网络，{verdict.spoilt} 次已损坏 never told, told in pieces only"
    return f'<div class="verdict">{cells}</div><p class="small">{spoilt}</p>'


def _expected(verdict: Verdict) -> str:
    if not verdict.expected:
        return ""
    rows = [[_expectation(each.what), each.wanted, each.was, "" if each.met else "✗"] for each in verdict.expected]
    return "<h2>预期 Expected</h2>" + _table(["", "应当 wanted", "实际 was", ""], rows)


def _expectation(what: str) -> str:
    """An expectation's name: its word, and what it is about."""
    word, colon, about = what.partition(": ")
    level = word.removeprefix("service level ")
    if level != word:
        return f"服务水平 {word}"
    return _named(word) + (f"：{_named(about)}" if colon else "")


def _lent(verdict: Verdict) -> str:
    if not verdict.lent:
        return ""
    rows = [
        [each.who, _time(each.at), _time(each.until) if each.until else "", "；".join(each.shown) or "没有 nothing"]
        for each in verdict.lent
    ]
    heads = ["名下 under the name of", "从 from", "到 until", "系统显示 what the hub showed"]
    return "<h2>手表戴在别人手上 A watch on another's wrist</h2>" + _table(heads, rows)


def _findings(title: str, found: Sequence[Finding]) -> str:
    if not found:
        return ""
    rows = [[_named(each.what), each.who, _time(each.at), each.note] for each in found[:FINDINGS_SHOWN]]
    more = f'<p class="small">… {len(found) - FINDINGS_SHOWN} more</p>' if len(found) > FINDINGS_SHOWN else ""
    return f"<h2>{title}</h2>" + _table(["", "", "", ""], rows) + more


def _people(verdict: Verdict) -> str:
    if not (verdict.to_human_s or verdict.to_close_s or verdict.unanswered):
        return f"<h2>多久有人 How long until a person</h2><p>{NOBODY}</p>"
    lines = (
        ("接警 a human", verdict.to_human_s), ("到门口 the door", verdict.to_door_s),
        ("结案 the end", verdict.to_close_s),
    )  # fmt: skip
    rows = [
        [name, *( [f"{times.n}", _span(times.p50), _span(times.p90), _span(times.p99), _span(times.worst)]
                  if times else ["0", "–", "–", "–", "–"])]
        for name, times in lines
    ]  # fmt: skip
    levels = [[_level(each), f"{each.wanted:.1%}", "–" if each.reached is None else f"{each.reached:.1%}", f"{each.of}"]
              for each in verdict.levels]  # fmt: skip
    return (
        "<h2>多久有人 How long until a person</h2>"
        + plots.waits(lines)
        + _table(["", "n", "p50", "p90", "p99", "最长 worst"], rows)
        + f'<p class="small">没有人接 unanswered: {verdict.unanswered} · 每警情呼叫 pages per case: '
        f"{verdict.pages_per_incident:.1f}</p>"
        + _table(["服务水平 service level", "要求 wanted", "达到 reached", "n"], levels)
    )


def _kinds(verdict: Verdict) -> str:
    if not verdict.kinds:
        return ""
    bars = [
        (_named(each.what), each.sensitivity or 0.0, f"{each.found} / {each.happened}")
        for each in verdict.kinds if each.happened
    ]  # fmt: skip
    rows = [
        [_named(each.what), f"{each.happened}", f"{each.found}", f"{each.unseen}", _delay(each.delay_s)]
        for each in verdict.kinds
    ]
    return (
        "<h2>发生了什么，发现了多少 What happened, and how much of it was found</h2>"
        + plots.bars(bars, most=1.0)
        + _table(["", "发生 happened", "发现 found", "没有设备 unseen", "延迟 delay p50 / p90"], rows)
    )


def _alarms(verdict: Verdict) -> str:
    if not verdict.alarms:
        return "<h2>告警 Alerts</h2><p>没有告警 None</p>"
    bars = [(_named(each.kind), each.per_wearer_day, f"{each.per_wearer_day:.3f}") for each in verdict.alarms]
    rows = [
        [
            _named(each.kind),
            f"{each.alerts}",
            f"{each.right}",
            "、".join(f"{_named(why)} {number}" for why, number in sorted(each.explained.items())),
            f"{each.false}",
            f"{each.asked}",
            f"{each.per_wearer_day:.3f}",
        ]
        for each in verdict.alarms
    ]
    return (
        "<h2>每佩戴人日告警 Alerts per wearer-day</h2>"
        + plots.bars(bars)
        + _table(
            [
                "",
                "告警 alerts",
                "属实 right",
                "无事但属实 so, though nothing happened",
                "误报 false",
                "本人取消 taken back",
                "每人日 a day",
            ],
            rows,
        )
        + EXPLAINED
    )


def _families(verdict: Verdict) -> str:
    rows = [
        [each.family, f"{each.devices}", f"{each.sent:,}", f"{each.saved:,}", f"{each.copies:,}", f"{each.nonsense:,}",
         f"{each.told}", f"{each.lost}", f"{each.alerts}"]
        for each in verdict.families
    ]  # fmt: skip
    if not rows:
        return ""
    heads = ["设备 family", "台 devices", "消息 sent", "确认 saved", "重复 copies", "乱码 nonsense", "呼救 told",
             "丢失 lost", "告警 alerts"]  # fmt: skip
    return "<h2>各类设备 Families of devices</h2>" + _table(heads, rows)


def _troubles(truth: Truth) -> str:
    if not truth.troubles:
        return ""
    rows = [
        [_named(each.what), _named(each.who), _time(each.at), _time(each.until) if each.until else "",
         f"{each.devices}", each.note]
        for each in truth.troubles
    ]  # fmt: skip
    return "<h2>故障 Troubles</h2>" + _table(["", "", "从 from", "到 until", "台 devices", ""], rows)


def _faults(verdict: Verdict) -> str:
    if not verdict.faults:
        return ""
    items = "".join(f"<li>{escape(each.partition(NEWLINE)[0])}</li>" for each in verdict.faults[:FINDINGS_SHOWN])
    return f"<h2>其他 Also noted</h2><ul>{items}</ul>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th class="{"" if at == 0 else "n"}">{escape(each)}</th>' for at, each in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f'<td class="{_side(at, each)}">{escape(each)}</td>' for at, each in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(at: int, words: str) -> str:
    """Numbers stand on the right."""
    return "n" if at and (words[:1].isdigit() or words[:1] in ("–", "−")) else ""


def _named(word: str) -> str:
    """A word of a story or of the hub, in both languages."""
    return f"{CHINESE[word]} {word}" if word in CHINESE else word


def _level(level: Level) -> str:
    name = {"answered": "接警 answered", "door": "到门口 at the door"}[level.what]
    return f"{name} ≤ {_span(level.within_s)}"


def _delay(times: Times | None) -> str:
    return f"{_span(times.p50)} / {_span(times.p90)}" if times else "–"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{round(seconds):d} s".replace("-", "−")  # a whole number has no -0
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _day(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(ZONE)):%Y-%m-%d %H:%M}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(ZONE)):%m-%d %H:%M:%S}"
