"""A small neighbourhood that sees only the wire: its residents, their devices, and the people who come."""
