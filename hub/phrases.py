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
    },
    "en": {
        Say.RECEIVED: "Received. We have told {role}", Say.COMING: "{role} is coming",
        Say.CANCELLED: "Cancelled. Nobody is called",
        Say.CLOSED: "This call has ended. Press again whenever you need us",
    },
}  # fmt: skip
SOMEBODY = {"zh": "您的联系人", "en": "your contacts"}


def tongue(language: str) -> str:
    """Return the language we have for a person's: dialects of Chinese are written as Chinese."""
    return "en" if language.lower().startswith("en") else "zh"


def saying(told: Told, language: str) -> str:
    """Return what the device shows or speaks."""
    lang = tongue(language)
    role = ROLES[lang][told.role] if told.role else SOMEBODY[lang]
    text = SAYINGS[lang][Say(told.say)].format(role=role)
    return text[0].upper() + text[1:]
