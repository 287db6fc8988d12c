"""The words of each part of the web, in Chinese and English side by side; `hub.web.words` joins them."""

from hub.web.vocabulary import cases, coverage, fleet, install, phone, policies, rosters, watch

PARTS: tuple[dict[str, tuple[str, str]], ...] = (
    cases.WORDS,
    coverage.WORDS,
    fleet.WORDS,
    install.WORDS,
    phone.WORDS,
    policies.WORDS,
    rosters.WORDS,
    watch.WORDS,
)
