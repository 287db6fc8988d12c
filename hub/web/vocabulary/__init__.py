"""The words of each part of the web, in Chinese and English side by side; `hub.web.words` joins them."""

from hub.web.vocabulary import (
    cases,
    coverage,
    fleet,
    install,
    install_people,
    install_reasons,
    install_trials,
    phone,
    policies,
    reasons,
    rosters,
    watch,
)

PARTS: tuple[dict[str, tuple[str, str]], ...] = (
    cases.WORDS,
    coverage.WORDS,
    fleet.WORDS,
    install.WORDS,
    install_people.WORDS,
    install_reasons.WORDS,
    install_trials.WORDS,
    phone.WORDS,
    policies.WORDS,
    reasons.WORDS,
    rosters.WORDS,
    watch.WORDS,
)
