"""Topin's frames: marked as GT06's, with a length that each kind counts in its own way, and no check sum."""

from devices.framers import gt06

WIFI_LISTS = (0x17, 0x18, 0x19, 0x69)
MISCOUNTED = range(2, 7)  # how much longer than it says a frame has been seen to be


class Framer(gt06.Framer):
    """Bytes in, whole frames out."""

    longest = 1024

    def _lengths(self, start: int) -> list[int]:
        held = self._held
        count, kind = held[start + 2], held[start + 3]
        lengths = [count + more for more in MISCOUNTED]
        cells = start + 4 + 6 + 7 * count
        if kind in WIFI_LISTS and len(held) > cells:
            # Short cells or long ones; an alarm byte may follow.
            lengths = [
                cells - start + 1 + 3 + size * held[cells] + more + 2 for size in (5, 9) for more in (0, 1)
            ] + lengths
        until = held.find(gt06.END + b"xx", start, start + self.longest)  # a frame does not reach into the next
        return [length for length in lengths if until < 0 or start + length <= until + 2]

    def _sealed(self, frame: bytes) -> bool:
        return False
