"""Words of consent and contacts: what is read aloud to her, and what her people are asked."""

WORDS: dict[str, tuple[str, str]] = {
    "install.consent": ("知情同意", "Consent"),
    "install.consent_yes": ("已同意", "Given"),
    "install.consent_no": ("不同意", "Refused"),
    "install.consent_said": (
        "{at}，{name} 宣读，{who}答复",
        "{at}, read aloud by {name}, answered by {who}",
    ),
    "install.consent_read": ("同意书，请大声读给长者听", "The text: read it aloud to her"),
    "install.consent_text.what": (
        "这台设备会把您的呼救、所在位置，以及它测到的心率、血氧、跌倒等情况传给呼叫中心。",
        "This device tells the call centre when you call for help, where you are, and what it measures:"
        " heart rate, blood oxygen, falls.",
    ),
    "install.consent_text.why": (
        "这些信息只用来在您需要时找人帮您，不作别的用途。",
        "It is used to send you help when you need it, and for nothing else.",
    ),
    "install.consent_text.who": (
        "来帮您的人只看到帮您所需的内容；健康情况只有坐席和医护能看。",
        "Those who come see what they need in order to help; your health is seen by operators and medical staff only.",
    ),
    "install.consent_text.long": (
        "信息按规定的期限保存，到期删除；每次查看都有记录。",
        "It is kept for a fixed time and then deleted; every look at it is recorded.",
    ),
    "install.consent_text.back": (
        "您可以不同意，也可以随时收回，打电话给中心就行。您同意吗？",
        "You may say no, and you may take it back at any time: a call to the centre is enough. Do you agree?",
    ),
    "install.consent_was_read": ("我已逐句宣读并解释", "I have read it aloud and explained it"),
    "install.said_by": ("谁答复的", "Who answered"),
    "install.said_by.herself": ("长者本人", "the resident"),
    "install.said_by.relative": ("家属", "a relative"),
    "install.said_by.guardian": ("监护人", "the guardian"),
    "install.consent_go": ("同意，记录", "Agreed"),
    "install.consent_refused": ("不同意", "Refused"),
    "install.consent_missing": (
        "先宣读并勾选，再选是谁答复的",
        "Read it aloud and tick it, then say who answered",
    ),
    "install.contacts": ("联系人", "Contacts"),
    "install.contacts_n": ("{n}/{of} 已确认", "{n} of {of}"),
    "install.contacts_of": ("{of} 位中 {n} 位已确认", "{n} of {of} confirmed"),
    "install.contacts_few": (
        "请至少 {n} 位联系人确认：呼叫时才有人接应。",
        "At least {n} should confirm, so that a call finds somebody.",
    ),
    "install.contacts_none": (
        "没有登记联系人：请中心补上。",
        "No contact is registered: ask the office to add them.",
    ),
    "install.contact_open": ("还没有问", "not asked yet"),
    "install.contact_going": ("正在发送…", "being sent …"),
    "install.contact_sent": ("{at} 已发送，等他点链接", "sent at {at}, waiting for his tap"),
    "install.contact_failed": ("发不出去：打电话问他", "cannot be sent: ring him up"),
    "install.contact_yes": ("他本人点了确认", "confirmed by himself"),
    "install.contact_vouched": ("当面或电话确认（安装人记录）", "confirmed face to face or by telephone, by your word"),
    "install.contact_no": ("他说不是", "he says he is not"),
    "install.contact_no_way": ("无消息渠道", "no message reaches him"),
    "install.contact_ask": ("发确认", "Ask him"),
    "install.contact_again": ("再发一次", "Send again"),
    "install.contact_vouch": ("当面已答应", "He told me yes"),
    "install.consent_back": (
        "{at} 收回同意：{who}说，{name} 记录",
        "consent taken back on {at} by {who}, heard by {name}",
    ),
    "install.taken_back": ("已收回同意、设备仍在使用的长者", "Consent taken back, device still in use"),
    "install.taken_back_lead": (
        "按键照常呼叫。请与长者谈：不再使用就停用设备，愿意继续就重新记录同意。",
        "The buttons ring on. Speak with her: retire the devices, or write down that she agrees again.",
    ),
    "install.declined": ("说自己不是联系人的人", "Contacts who said no"),
    "install.declined_lead": (
        "呼叫时仍会找他。请打电话核对：愿意，请他在链接里改答；不愿意，用所示命令去掉，并另找一位。",
        "He is still called. Ring him up: if he is willing, he taps yes on his link; if not, the command shown"
        " takes him out; find somebody else.",
    ),
    "install.declined_who": ("{name} 的{relation} {person}", "{person}, {relation} of {name}"),
    "install.doubtful": ("联系人不足的长者", "Residents with too few contacts"),
    "install.doubtful_lead": (
        "近 30 天装好、已生效，但确认过的联系人不到 3 位。",
        "In effect since the last 30 days, with fewer than 3 contacts who have confirmed.",
    ),
    "contact.title": ("确认联系人", "Confirm"),
    "contact.somebody": ("一位长者", "a resident"),
    "contact.ask": ("您是{name}的紧急联系人吗？", "Are you an emergency contact of {name}?"),
    "contact.means": (
        "她按下求助键，或设备发现跌倒时，一键通会呼叫您，请您接听、查看或赶去。随时可以退出，打中心电话即可。",
        "When she presses for help, or a fall is noticed, carehub calls you: to answer, to look, or to go."
        " You may step back at any time: a call to the centre is enough.",
    ),
    "contact.yes": ("是，我愿意", "Yes, I am"),
    "contact.no": ("不是", "No, I am not"),
    "contact.yes_done": ("谢谢！您是{name}的联系人", "Thank you. You are a contact of {name}"),
    "contact.no_done": ("已记录，中心会和您核对", "Noted. The centre will check with you"),
    "contact.done_lead": ("答错了可以再点一次。", "Tapped the wrong one? Tap again."),
}
