"""A policy's timeline in words, Chinese and English, for the person who publishes it."""

from alerts.policy import EscalationPolicy


def timeline(policy: EscalationPolicy, lang: str) -> str:
    return policy.name
