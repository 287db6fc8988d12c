"""The way in and out for other programs: /api/v1, signed events, records for platforms of the authorities."""
