"""What a device says to the person who wears it, in Chinese and English. Short: it is spoken, or shown on a watch."""

from alerts.model import Role, Told
from devices.adapter import Say

ROLES = {
    "zh": {
        Role.FAMILY: "您的家人", Role.NEIGHBOUR: "您的邻居", Role.OPERATOR: "呼叫中心", Role.COMMUNITY: "社区工作人员",
        Role.PROPERTY: "物业保安", Role.VILLAGE_DOCTOR: "村医", Role.THIRD_PARTY: "上门服务人员",
        Role.COUNTY_CENTRE: "县级救援中心", Role.AMBULANCE: "120急救",
    },
    "en": {
        Role.FAMILY: "your family", Role.NEIGHBOUR: "your neighbour", Role.OPERATOR: "the call centre",
        Role.COMMUNITY: "the community worker", Role.PROPERTY: "the guard", Role.VILLAGE_DOCTOR: "the village doctor",
        Role.THIRD_PARTY: "the visiting service", Role.COUNTY_CENTRE: "the county centre",
        Role.AMBULANCE: "the ambulance",
    },
}  # fmt: skip
SAYINGS = {
    "zh": {
        Say.RECEIVED: "收到，已通知{role}", Say.COMING: "{role}正在赶来", Say.CANCELLED: "已取消，没有呼叫任何人",
        Say.CLOSED: "本次呼叫已结束，需要时请再按",
        Say.ASKING: "您还好吗？没事请按取消，否则马上为您呼叫",
    },
    "en": {
        Say.RECEIVED: "Received. We have told {role}", Say.COMING: "{role} is coming",
        Say.CANCELLED: "Cancelled. Nobody is called",
        Say.CLOSED: "This call has ended. Press again whenever you need us",
        Say.ASKING: "Are you all right? Press cancel if you are, or we call for help",
    },
}  # fmt: skip
RELATIONS = (  # as they are written at a care circle, in either language
    ("女儿", "daughter"), ("儿子", "son"), ("老伴", "partner"), ("丈夫", "husband"), ("妻子", "wife"),
    ("孙女", "granddaughter"), ("孙子", "grandson"), ("妹妹", "sister"), ("姐姐", "sister"), ("弟弟", "brother"),
    ("哥哥", "brother"), ("侄女", "niece"), ("侄子", "nephew"), ("儿媳", "daughter-in-law"), ("女婿", "son-in-law"),
)  # fmt: skip
HEARD = {"zh": "收到", "en": "Received"}  # nobody is told yet: the countdown runs, or somebody has it already
SOMEBODY = {"zh": "有人", "en": "somebody"}


def tongue(language: str) -> str:
    """Return the language we have for a person's: dialects of Chinese are written as Chinese."""
    return "en" if language.lower().startswith("en") else "zh"


def saying(told: Told, language: str, relation: str = "") -> str:
    """Return what the device shows or speaks; `relation` is what the one who is meant is to the wearer."""
    lang = tongue(language)
    if told.say == Say.RECEIVED and told.role is None:
        return HEARD[lang]
    role = ROLES[lang][told.role] if told.role else SOMEBODY[lang]
    if told.role is Role.FAMILY:
        role = _relative(relation, lang) or role
    text = SAYINGS[lang][Say(told.say)].format(role=role)
    return text[0].upper() + text[1:]


def _relative(relation: str, lang: str) -> str:
    """A relation that we can say in this language; whatever else stands in that field is not read aloud."""
    for zh, en in RELATIONS:
        if relation.strip().lower() in (zh, en):
            return f"您的{zh}" if lang == "zh" else f"your {en}"
    return ""
