"""How long tests wait for what must happen: long, since a deadline costs nothing when all is well."""

PATIENCE_S = 60.0
