"""What the console says, in Chinese and English side by side, so that neither can be forgotten."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.web.vocabulary import PARTS

LANGUAGES = ("zh-CN", "en")
NAMES = {"zh-CN": "中文", "en": "English"}

WORDS: dict[str, tuple[str, str]] = {
    # the frame
    "product": ("一键通", "carehub"),
    "console": ("坐席台", "Operator console"),
    "queue": ("警情队列", "Incident queue"),
    "open_count": ("{n} 起处理中", "{n} open"),
    "more": ("另有 {n} 起未列出", "{n} more not listed"),
    "technical": ("技术告警", "Technical"),
    "on_duty": ("在线坐席", "At their consoles"),
    "and": ("、", ", "),
    "comma": ("，", ", "),
    "named": ("{what}：{name}", "{what}: {name}"),
    "in_brackets": ("（{what}）", " ({what})"),
    "sign_in": ("登录", "Sign in"),
    "sign_out": ("退出", "Sign out"),
    "login": ("账号", "Account"),
    "password": ("密码", "Password"),
    "sign_in_lead": ("紧急呼叫坐席台", "Emergency call desk"),
    "sign_in_hint": (
        "登录后本页会以最大音量响铃，请打开扬声器。",
        "This page rings at full volume. Switch your speakers on.",
    ),
    "wrong": ("账号或密码不对", "Account or password is wrong"),
    "wait": ("尝试太多，请 {n} 秒后再试", "Too many attempts. Try again in {n} s"),
    "role_refused": ("此账号不能使用坐席台", "This account may not use the console"),
    "stale_form": ("页面已过期，请重新提交", "This page had expired. Please send it again"),
    "keys": ("快捷键", "Keys"),
    "close_window": ("关闭", "Close"),
    "cancel": ("返回", "Back"),
    "skip": ("跳到警情", "Skip to the incident"),
    "back_to_queue": ("返回队列", "Back to the queue"),
    "all_quiet": ("目前没有警情", "No open incidents"),
    "all_quiet_lead": ("新的呼叫会立即出现在这里并响铃。", "A new call appears here at once, and rings."),
    "pick_one": ("选择一起警情", "Choose an incident"),
    "pick_one_lead": ("按 ↑ ↓ 选择，回车打开，空格接警。打开只让同事知道你在看，不会改变任何计时。",
                      "↑ ↓ to choose, Enter to open, Space to take. Opening only tells colleagues that you look."),
    "recent": ("最近结束（12 小时内）", "Ended in the last 12 hours"),
    "none_recent": ("12 小时内没有结束的警情", "None in the last 12 hours"),
    "answered_in": ("{n} 秒接警", "answered in {n} s"),
    # live
    "live": ("实时", "Live"),
    "lost": ("与服务器的连接已断开——画面可能不是最新的", "Connection lost. What you see may be out of date"),
    "lost_lead": ("正在重新连接，已断开 {n}。新警情不会在这里出现，请同时使用备用电话。",
                  "Reconnecting; lost for {n}. New incidents do not appear here: use the standby phone as well."),
    "unhealthy": (
        "服务器读不到数据库——画面可能不是最新的",
        "The server cannot reach its database. What you see may be out of date",
    ),
    "signed_out": ("登录已失效，请重新登录", "You have been signed out"),
    "sound_blocked": (
        "浏览器禁止了响铃，听不到新警情",
        "The browser is blocking the bell: you will not hear a new incident",
    ),
    "sound_on": ("打开响铃", "Switch the bell on"),
    "audit_banner": ("自检发现问题：{what}", "Self-check: {what}"),
    "finding.silent_incident": ("有警情没有计时", "an incident has no timer"),
    "finding.timer_late": ("计时到点没有处理", "a timer is overdue"),
    "finding.page_late": ("通知没有按时发出", "a page was not sent in time"),
    "finding.broken_chain": ("事件记录被改动", "an event chain is broken"),
    "finding.role_silent": ("有后台进程没有响应", "a background process is silent"),
    "new_incident": ("新警情", "New incident"),
    # severities, kinds, states
    "severity.1": ("危急", "Critical"),
    "severity.2": ("紧急", "High"),
    "severity.3": ("关注", "Medium"),
    "severity.4": ("低", "Low"),
    "severity.5": ("技术", "Technical"),
    "kind.sos": ("呼救", "SOS"),
    "kind.fall": ("跌倒", "Fall"),
    "kind.smoke": ("烟雾", "Smoke"),
    "kind.gas": ("燃气", "Gas"),
    "kind.water": ("漏水", "Water leak"),
    "kind.vitals": ("生命体征", "Vital signs"),
    "kind.stillness": ("久未活动", "No movement"),
    "kind.routine": ("作息异常", "Unusual routine"),
    "kind.wandering": ("走出安全范围", "Left the safe area"),
    "kind.silence": ("设备失联", "Device silent"),
    "kind.device": ("设备", "Device"),
    "kind.system": ("系统", "System"),
    "rule.E1": ("设备报警", "raised by the device"),
    "rule.FALL": ("由手腕动作判断", "judged from wrist motion"),
    "rule.T1": ("设备未佩戴或被取下", "device not worn"),
    "rule.T5": ("设备被拆动", "device tampered with"),
    "rule.unreadable": ("数据无法读取", "cannot be read"),
    "rule.V1": ("静息心率高于本人基线", "resting heart rate above own baseline"),
    "rule.V2": ("静息心率 ≥ 131", "resting heart rate ≥ 131"),
    "rule.V3": ("静息心率过低", "resting heart rate very low"),
    "rule.V4": ("血氧 ≤ 91 %", "SpO₂ ≤ 91 %"),
    "rule.V5": ("血氧 92–93 %", "SpO₂ 92–93 %"),
    "rule.V6": ("静息呼吸过慢或过快", "respiration too slow or too fast at rest"),
    "rule.V7": ("体温过高或过低", "body temperature too high or too low"),
    "rule.V8": ("早期预警评分（NEWS2）升高", "early-warning score (NEWS2) raised"),
    "rule.V9": ("夜间静息心率升高", "night resting heart rate rising"),
    "rule.B0": ("多项生活迹象同时异常，请电话问候", "several weak signs together: a welfare check"),
    "rule.B1": ("长时间未活动", "no movement for hours"),
    "rule.B2": ("今天起床活动明显偏晚", "up much later than on other days"),
    "rule.B3": ("长时间未用水", "no water used for hours"),
    "rule.B4": ("用水异常，疑似漏水", "water use far above normal, perhaps a leak"),
    "rule.B6": ("夜间离床时间过长", "out of bed at night for long"),
    "rule.B7": ("走出安全范围", "outside the safe area"),
    "rule.T2": ("电量低", "battery low"),
    "rule.T3": ("未按时上报", "missed its heartbeat"),
    "rule.T4": ("数值超出人体范围，设备可疑", "values no body can show: device in doubt"),
    "state.confirming": ("等佩戴者确认", "Asking the wearer"),
    "state.open": ("无人接警", "Nobody has it"),
    "state.taken": ("已接警", "Taken"),
    "state.dispatched": ("已派人", "Dispatched"),
    "state.en_route": ("在路上", "On the way"),
    "state.on_scene": ("已到场", "On scene"),
    "state.handed_over": ("已交接", "Handed over"),
    "state.held": ("暂缓", "On hold"),
    "state.resolved": ("待结案", "To be closed"),
    "state.closed": ("已结案", "Closed"),
    "state.cancelled": ("已取消", "Cancelled"),
    "timer.confirm": ("后转为警情", "until it rings"),
    "timer.step": ("后下一步", "to next step"),
    "timer.repeat": ("后再次呼叫", "to next ring"),
    "timer.expiry": ("后恢复升级", "until escalation resumes"),
    "timer.hold": ("后结束暂缓", "left on hold"),
    "timer.closing": ("内结案", "to write how it ended"),
    "now": ("现在", "now"),
    "ended": ("已结束", "ended"),
    "waited": ("已过", "for"),
    "figure_open": ("处理中", "Open"),
    "figure_alone": ("无坐席接手", "No operator yet"),
    "figure_longest": ("最长等待", "Longest wait"),
    "role.family": ("家属", "Family"),
    "role.neighbour": ("邻里互助", "Neighbour"),
    "role.operator": ("坐席", "Operator"),
    "role.community": ("社区", "Community"),
    "role.property": ("物业", "Property"),
    "role.village_doctor": ("村医", "Village doctor"),
    "role.third_party": ("第三方", "Third party"),
    "role.county_centre": ("县级中心", "County centre"),
    "role.ambulance": ("120", "Ambulance"),
    "role.supervisor": ("班长", "Supervisor"),
    "disposition.hospital": ("就医：送医院", "Medical, to hospital"),
    "disposition.treated_home": ("就医：在家处理", "Medical, treated at home"),
    "disposition.lifted": ("跌倒，已扶起", "Fall, lifted"),
    "disposition.found_well": ("无应答，上门平安", "No speech, found well"),
    "disposition.forced_entry": ("无应答，破门进入", "No speech, forced entry"),
    "disposition.accidental": ("误按", "Accidental"),
    "disposition.reassured": ("孤独，已安抚", "Lonely, reassured"),
    "disposition.service": ("服务请求", "Service request"),
    "disposition.test": ("测试", "Test"),
    "disposition.device_fault": ("设备故障", "Device fault"),
    "disposition.low_battery": ("电量低", "Low battery"),
    "disposition.not_at_home": ("不在家", "Not at home"),
    "disposition.fraud": ("疑似诈骗", "Suspected fraud"),
    "disposition.duplicate": ("重复", "Duplicate"),
    "disposition.deceased": ("去世", "Deceased"),
    # a row
    "pressed": ("按了{n}次", "pressed {n}×"),
    "test": ("测试", "Test"),
    "years": ("{n} 岁", "{n}"),
    "unknown_resident": ("未登记设备", "Unregistered device"),
    "retired_device": ("已停用设备（原属 {who} {home}）", "Retired device, last of {who} {home}"),
    "handled_by": ("坐席 {name}", "Operator {name}"),
    "you": ("你", "you"),
    "goes": ("{role} {name}", "{role} {name}"),
    "looking": ("{names} 在看", "{names} looking"),
    "ringing": ("响铃中", "Ringing"),
    # the card
    "resident": ("长者", "Resident"),
    "ability": ("能力", "Ability"),
    "risks": ("注意", "Risks"),
    "language": ("语言", "Speaks"),
    "address": ("地址", "Address"),
    "entrance": ("进门", "Entrance"),
    "key": ("钥匙", "Key"),
    "door_code": ("门码", "Door code"),
    "show": ("显示（会记录）", "Show (logged)"),
    "phone": ("电话", "Phone"),
    "circle": ("亲友", "Care circle"),
    "known_away": ("已知外出，至 {until}", "Known to be away until {until}"),
    "known_visit": ("已知有人来访，至 {until}", "Known to have visitors until {until}"),
    "minutes_away": ("{n} 分钟", "{n} min"),
    "devices": ("设备", "Devices"),
    "last_seen": ("{age}前", "{age} ago"),
    "never_seen": ("从未上报", "never heard"),
    "battery": ("电量", "Battery"),
    "worn.1": ("佩戴中", "worn"),
    "worn.0": ("未佩戴", "not worn"),
    "past": ("既往警情", "Earlier incidents"),
    "none_past": ("没有既往警情", "None"),
    "accidental_n": ("近 30 天误按 {n} 次——仍按真呼救处理", "{n} accidental {n:call|calls} in 30 days; treat as real"),
    "unknown_lead": ("这个设备还没有登记到任何长者。按真实呼救处理：联系设备安装人，查设备编号。",
                     "This device belongs to no resident yet. Treat it as real: call its installer and look it up."),
    "vitals": ("心率", "Heart rate"),
    "vitals_30": ("最近 30 分钟", "last 30 minutes"),
    "no_vitals": ("最近 30 分钟没有心率", "No heart rate in the last 30 minutes"),
    "trend.up": ("10 分钟内上升 {n}", "up {n} in 10 min"),
    "trend.down": ("10 分钟内下降 {n}", "down {n} in 10 min"),
    "trend.flat": ("平稳", "steady"),
    "told": ("通知了谁", "Who was told"),
    "none_told": ("还没有通知任何人", "Nobody has been told yet"),
    "page.ready": ("待发", "waiting"),
    "page.sending": ("发送中", "sending"),
    "page.sent": ("已发出", "sent"),
    "page.delivered": ("已送达", "delivered"),
    "page.read": ("已读", "read"),
    "page.failed": ("失败", "failed"),
    "page.withdrawn": ("已撤回", "withdrawn"),
    "purpose.alarm": ("请到场", "come"),
    "purpose.stand_down": ("不必前往", "stand down"),
    "purpose.notice": ("知会", "notice"),
    "channel.console": ("坐席台", "console"),
    "channel.app": ("手机应用", "app"),
    "channel.webhook": ("应用接口", "webhook"),
    "channel.email": ("邮件", "e-mail"),
    "channel.siren": ("警号", "siren"),
    "channel.apprise": ("抄送", "copy"),
    "channel.mqtt": ("终端", "terminal"),
    "channel.device": ("设备", "device"),
    "channel.sms": ("短信", "SMS"),
    "channel.voice": ("电话", "voice"),
    "timeline": ("经过", "Timeline"),
    "note": ("备注", "Note"),
    "note_hint": ("听到什么、问到什么，随时记", "What you hear, what you ask"),
    "add_note": ("记下", "Add"),
    # actions
    "take": ("接警", "Take it"),
    "dispatch": ("派人", "Dispatch"),
    "no_speech": ("无应答，立即派", "No speech: send now"),
    "no_answer": ("回拨无应答", "No answer: tell them"),
    "silent": ("无应答", "no answer"),
    "hand_over": ("交接", "Hand over"),
    "cancel_call": ("误报，取消", "Nothing: cancel"),
    "release_sure": ("放回队列？计时和呼叫会继续", "Put it back? Escalation goes on"),
    "not_found": ("没有这一页", "There is no such page"),
    "hold": ("暂缓", "Hold"),
    "release": ("放回", "Release"),
    "resolve": ("已脱险", "Safe now"),
    "close": ("结案", "Close"),
    "more_actions": ("更多", "More"),
    "open_incident": ("打开", "Open"),
    "key_take": ("接警（先打开警情）", "Take the open incident"),
    "key_dispatch": ("选人派出", "Dispatch somebody"),
    "key_no_speech": ("无应答：立即派出下一步", "No speech: dispatch the next step at once"),
    "key_hold": ("暂缓", "Hold"),
    "key_close": ("结案", "Close"),
    "key_note": ("写备注", "Write a note"),
    "key_resolve": ("已脱险", "Safe now"),
    "key_move": ("在队列里移动", "Move in the queue"),
    "key_open": ("打开选中的警情", "Open the chosen incident"),
    "key_help": ("这张表", "This table"),
    "key_escape": ("关窗口 / 回队列", "Close a window / back to the queue"),
    "next_step": ("预案的下一步", "The policy's next step"),
    "next_step_lead": ("按预案通知下一级所有人", "Calls everybody of the next rung"),
    "choose_responder": ("派谁去？", "Who goes?"),
    "no_candidates": ("没有登记可派的人", "Nobody is registered for this area"),
    "off_duty": ("不当班", "off duty"),
    "unreachable": ("没有联系方式", "no way to reach"),
    "send": ("派出", "Send"),
    "hold_why": ("为什么暂缓？", "Why hold it?"),
    "hold_minutes": ("暂缓多久", "For how long"),
    "minutes": ("{n} 分钟", "{n} min"),
    "resolve_how": ("怎么知道已脱险？", "How do you know it is over?"),
    "resolve_voice": ("与本人通话确认", "Spoke with the resident"),
    "resolve_scene": ("现场人员报告", "Report from the scene"),
    "closing_title": ("结案", "Close the incident"),
    "closing_disposition": ("结果", "How it ended"),
    "closing_done": ("做了什么", "What was done"),
    "closing_with": ("现在谁陪着长者", "Who is with the resident now"),
    "closing_second": ("危急警情需要第二人或回拨确认", "A critical case needs a second person or a call-back"),
    "closing_callback": ("已回拨，本人或现场确认平安", "I called back; the resident, or somebody there, confirmed"),
    "closing_person": ("第二人确认（账号与密码）", "A second person agrees (account and password)"),
    "second_wrong": ("第二人的账号或密码不对", "The second person's account or password is wrong"),
    "second_self": ("第二人不能是你自己", "The second person cannot be you"),
    "second_needed": ("请回拨确认，或请第二人确认", "Call back, or have a second person agree"),
    "required": ("请填写：{what}", "Please fill in: {what}"),
    "refused": ("现在不能这样做：{why}", "Not possible now: {why}"),
    "busy": ("数据库暂时不可用，没有改变任何东西，请重试", "The database is away; nothing was changed. Try again"),
    # notices
    "notice.stand_down": ("{who}：已有人处理", "{who}: somebody has it"),
    "notice.notice": ("{who}：知会", "{who}: for your information"),
    # the responder's phone
    "r_asked": ("有人需要帮助", "Somebody needs help"),
    "r_title": ("紧急呼叫", "Emergency call"),
    "r_go": ("我去", "I am going"),
    "r_cannot": ("去不了", "I cannot go"),
    "r_en_route": ("出发了", "On my way"),
    "r_arrived": ("已到", "I am there"),
    "r_hand_family": ("家属", "Family"),
    "r_hand_ambulance": ("120", "Ambulance"),
    "r_hand_community": ("社区", "Community"),
    "r_hand_done": ("交接完成", "Handed over"),
    "r_door": ("门码", "Door code"),
    "r_stood_down": ("不用去了", "Stand down"),
    "r_stood_down_lead": ("{name}已经在处理。谢谢。", "{name} has it. Thank you."),
    "r_somebody": ("别人", "Somebody else"),
    "r_closed": ("已结束", "It is over"),
    "r_closed_lead": ("这起呼叫已经处理完。谢谢。", "This call has been dealt with. Thank you."),
    "r_expired": ("链接已失效", "This link has expired"),
    "r_expired_lead": (
        "如果仍有人需要帮助，请等待新的通知，或打给坐席。",
        "If somebody still needs help, wait for a new message or phone the desk.",
    ),
    "r_declined": ("已记录：您去不了", "Noted: you cannot go"),
    "r_declined_lead": (
        "正在通知下一位。如果情况变了，仍可按“我去”。",
        "The next person is being called. If things change, you can still go.",
    ),
    "r_accepted": ("您已答应前往", "You said you are going"),
    "r_going": ("您在路上", "You are on your way"),
    "r_there": ("您已到场", "You are there"),
    "r_stay": ("请留在现场，直到交给家属、社区或 120。", "Stay until family, the community or 120 has taken over."),
    "r_thanks": ("交接完成，谢谢", "Handed over. Thank you"),
    "r_call_desk": ("打给坐席", "Phone the desk"),
    "r_hazards": ("注意", "Beware"),
    "r_map": ("导航", "Map"),
    # the office: pages of supervisors and administrators
    "office.console": ("坐席台", "Console"),
    "office.policies": ("预案", "Policies"),
    "office.rosters": ("值班表", "Duty lists"),
    "office.coverage": ("覆盖", "Coverage"),
}  # fmt: skip
for _part in PARTS:
    WORDS |= _part

RISKS = {
    "lives_alone": ("独居", "lives alone"), "heart_failure": ("心衰", "heart failure"), "falls": ("易跌倒", "falls"),
    "dementia": ("认知障碍", "dementia"), "copd": ("慢阻肺", "COPD"), "diabetes": ("糖尿病", "diabetes"),
    "stroke": ("脑卒中史", "stroke"), "deaf": ("听力障碍", "hard of hearing"), "blind": ("视力障碍", "poor sight"),
    "oxygen": (
        "家庭氧疗",
        "home oxygen"), "anticoagulant": ("服抗凝药", "anticoagulant"), "hypertension": ("高血压", "hypertension",
    ),
    "atrial_fibrillation": ("房颤", "atrial fibrillation"),
    "stairs": ("有楼梯", "stairs"), "clutter": ("杂物多", "clutter"),
    "dog": ("有狗", "dog"), "wheelchair": ("轮椅", "wheelchair"), "gas_stove": ("燃气灶", "gas stove"),
}  # fmt: skip
# What a responder may know.
ABILITY = {"自理": "independent", "半失能": "partly dependent", "失能": "dependent"}
SPEECH = {"zh-CN": ("普通话", "Mandarin"), "en": ("英语", "English"), "宁夏话": ("宁夏话", "Ningxia dialect")}


def pick(language: str | None) -> str:
    """Return the language we have for a wish; Chinese when in doubt."""
    return "en" if language and language.lower().startswith("en") else "zh-CN"


class Count(int):
    """A number that knows its noun: `{n:gap|gaps}` is "gap" for one and "gaps" for none or many."""

    def __format__(self, spec: str) -> str:
        one, choice, many = spec.partition("|")
        return (one if self == 1 else many) if choice else super().__format__(spec)


def counted(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sentence mentions, with whole numbers that choose between one and many."""
    return {name: Count(value) if type(value) is int else value for name, value in facts.items()}


def speaker(language: str) -> Callable[..., str]:
    """Return `t(key, **facts)` for one language. A missing word shows its key rather than breaking a page."""
    column = LANGUAGES.index(pick(language))

    def t(key: str, **facts: Any) -> str:
        pair = WORDS.get(key)
        return pair[column].format(**counted(facts)) if pair else key.rsplit(".", 1)[-1].replace("_", " ")

    return t


def risk(language: str, name: str) -> str:
    pair = RISKS.get(name)
    return pair[LANGUAGES.index(pick(language))] if pair else name.replace("_", " ")


def ability(language: str, name: str) -> str:
    return ABILITY.get(name, name) if pick(language) == "en" else name


def speech(language: str, name: str) -> str:
    pair = SPEECH.get(name)
    return pair[LANGUAGES.index(pick(language))] if pair else name
