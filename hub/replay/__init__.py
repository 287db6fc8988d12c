"""Recordings sent to a running hub over the wire, as the devices that made them would have sent them."""
