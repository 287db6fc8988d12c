"""Fuzzing of every decoder, envelope and framer: `make fuzz` is the long form, `test_fuzz.py` the short one."""
