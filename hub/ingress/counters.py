"""What the ways in count. The hot path adds to plain integers; each way in brings them here twice a second."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("carehub_ingress_connections", "Connections open now", ["source"])
OPENED = Counter("carehub_ingress_connections_opened", "Connections accepted or made", ["source"])
ENDED = Counter("carehub_ingress_connections_ended", "Connections ended, by reason", ["source", "reason"])
REJECTED = Counter("carehub_ingress_rejected", "Packets and frames that never became a message", ["source", "reason"])
MESSAGES_IN = Counter("carehub_ingress_messages_in", "Messages taken and handed to ingest", ["source"])
MESSAGES_OUT = Counter("carehub_ingress_messages_out", "Downlinks sent", ["source"])
DOWNLINKS = Counter("carehub_ingress_downlinks", "Downlink rows, by what became of an attempt", ["outcome"])
TRACKERS = Gauge("carehub_gateway_connections", "TCP connections open now, by protocol", ["protocol"])
SLOWED = Counter("carehub_gateway_slowed", "TCP connections read more slowly because they sent too fast", ["protocol"])
