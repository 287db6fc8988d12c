"""The parts of the soak: a street of people who press, hands that hurt the hub, a cutter of lines, and the verdict."""
