"""What the simulated devices say, byte by byte. Written from the vendors' documents, never from a decoder."""
