"""How the API and what it sends are set: a section `api` of the settings."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """`CAREHUB_API_PRIVATE_NETWORKS=10.20.0.0/16` lets events go to receivers in there, and by plain HTTP."""

    private_networks: tuple[str, ...] = ()  # where a receiver may stand although the internet does not lead there
    give_up_days: float = 3.0  # a subscription that fails for so long is switched off, and the auditor says so
    keep_days: int = 30  # events that can be asked for again
    exchange_every_s: float = 5.0  # how often records are gathered and sent

    def __post_init__(self) -> None:
        for network in self.private_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as err:
                raise ValueError(f"private_networks: {err}; write 10.20.0.0/16") from None
        if self.give_up_days <= 0 or self.keep_days < 1 or self.exchange_every_s <= 0:
            raise ValueError("give_up_days, keep_days and exchange_every_s are greater than zero")
