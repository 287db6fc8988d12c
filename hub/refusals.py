"""Why a button did nothing, in words people can act on."""

from hub.errors import HubError

WORDS: dict[str, tuple[str, str]] = {
    "already_taken": ("已有人接警", "somebody has taken this already"),
    "busy": ("此刻有别人同时在操作这起警情，没有完成，请再按一次", "others were at this case just then: press again"),
    "cannot_hold": ("有人正在前往或已到场，不能暂缓", "somebody is on the way or there: this cannot wait now"),
    "cannot_be_told": ("这台设备不支持这个指令", "this device has no words for that"),
    "empty_note": ("请写点内容", "write something"),
    "ended": ("这起警情已结束；新的呼叫会成为新的警情", "this incident has ended; a new call opens a new one"),
    "hand_over_first": ("请先交接：写明交给了谁或120的编号", "stay until a named person or a 120 number has her"),
    "held_before": ("已暂缓过一次，请先处理或放回队列", "put aside before: see to it now, or release it"),
    "hold_needs_reason": ("请写明暂缓的原因", "say why it waits"),
    "hold_too_long": ("暂缓时间过长，请选择更短的时间", "a hold must end sooner: choose fewer minutes"),
    "inactive_person": ("这个账号已停用，请联系主管", "this account is switched off: ask the supervisor"),
    "name_the_other_case": ("请写明与哪一起警情重复", "say which case this is the same as"),
    "name_who_takes_over": ("请写明交给了谁，或120的编号", "say who is with her now: a name, or the 120 number"),
    "no_such_case": ("没有这个编号的警情", "there is no case of this number"),
    "no_such_device": ("没有这台设备", "there is no such device"),
    "not_a_supervisor": ("只有班长可以这样做", "only a supervisor may do this"),
    "not_an_operator": ("只有坐席可以这样做", "only an operator may do this"),
    "not_confirming": ("已不在倒计时内，不能取消；请先接警", "the countdown is over: take it instead of cancelling"),
    "not_in_this_state": ("现在不能这样做", "this cannot be done now"),
    "not_needed": ("已有人在长者身边，您不必前往", "somebody is with her already: you need not go"),
    "not_on_scene": ("还没有人到场，不能交接", "nobody is on scene yet: there is nobody to hand over"),
    "not_resolved": ("请先确认长者已安全，再结案", "resolve it first: somebody must have heard or seen her"),
    "not_the_responder": ("只有到场的人或坐席可以交接", "only who is on scene, or an operator, hands over"),
    "not_your_page": ("这条通知不是发给您的", "this message was for somebody else"),
    "not_yours": ("这起警情在别人手里", "somebody else has this incident"),
    "off_duty": ("此人不在班，请选择在班的人或打电话", "off duty: choose somebody on duty, or telephone"),
    "say_how": ("请写明依据：听到本人声音，或现场报告", "say how you know: her voice, or a report from the scene"),
    "say_with_whom": ("请写明长者现在由谁陪伴", "say who is with her now"),
    "second_person": ("一级警情须两人确认，或回访本人后结案", "severity 1: two people close it, or a call-back"),
    "still_confirming": ("长者仍可自行取消，尚未呼叫任何人", "the wearer may still cancel; nobody has been called"),
    "surge_needs_reason": ("请写明发生了什么", "say what happened"),
    "surge_running": ("这个地区已在应急模式中", "disaster mode is on for this area already"),
    "surge_too_long": ("应急模式最长 12 小时，请选择结束时间", "disaster mode ends within 12 hours: choose an end"),
    "tap_overtaken": (
        "这是断网时按的，此后警情有了变化；请看最新情况再按",
        "you pressed this without a line and the case has changed since: look, and press again",
    ),
    "told_already": ("刚刚已经发出，请等设备回应", "asked a moment ago: wait for its answer"),
    "told_too_often": ("给这台设备的指令太多，请稍后再试", "this device is told too much: try again later"),
    "too_often": (
        "一分钟内多次说要去又去不了，请稍候再按，或打电话给坐席",
        "you have said so several times in a minute: wait a little, or telephone the operators",
    ),
    "unknown_page": ("没有这条通知", "there is no such message"),
    "unknown_person": ("此人不在本警情的联系人之内", "not one of the people who may be called for this incident"),
    "unknown_verb": ("不明白这个回答", "this answer is not understood"),
    "unreachable": ("没有此人的联系方式，请打电话或另选", "no way to reach this person: telephone, or send another"),
    "words_too_long": ("请写 1 到 60 个字", "write 1 to 60 characters"),
}  # fmt: skip
OTHERWISE = ("现在不能这样做", "this cannot be done now")


class Refused(HubError):  # noqa: N818 - the desk's own word
    """The desk says no; nothing has changed. `code` is stable, `words` are for the person."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(reason or WORDS.get(code, OTHERWISE)[1])
        self.code = code

    def words(self, language: str = "zh-CN") -> str:
        """Return the sentence for this person."""
        zh, en = WORDS.get(self.code, (OTHERWISE[0], str(self)))
        return en if language.lower().startswith("en") else zh
