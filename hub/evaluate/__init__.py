"""What `carehub evaluate all` measures: falls, heart rate and NEWS2 on recordings of others, and the report of it."""
