"""A soundfont made by hand, and a synthesiser of known sounds that stands for that of symusic."""

import struct
from types import SimpleNamespace

import numpy as np

PERIOD, PERIODS = 100, 4


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def named(name: str, kind: str, *numbers: int) -> bytes:
    return name.encode().ljust(20, b"\0") + struct.pack(kind, *numbers)


def soundfont() -> bytes:
    """A file of 1,330 bytes: one instrument, which is a sine that is repeated, as high as it is struck."""
    length = PERIOD * PERIODS
    wave_L = (12_000 * np.sin(2 * np.pi * np.arange(length) / PERIOD)).astype("<i2")
    info = chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"isng", b"EMU8000\0") + chunk(b"INAM", b"tone\0\0")
    sample = (0, length, PERIOD, length - PERIOD, PERIOD * 440, 69, 0, 0, 1)
    parts = {
        b"phdr": named("tone", "<HHHIII", 0, 0, 0, 0, 0, 0) + named("EOP", "<HHHIII", 0, 0, 1, 0, 0, 0),
        b"pbag": struct.pack("<HHHH", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<HHHH", 41, 0, 0, 0),
        b"inst": named("tone", "<H", 0) + named("EOI", "<H", 1),
        b"ibag": struct.pack("<HHHH", 0, 0, 2, 0),
        b"imod": bytes(10),
        b"igen": struct.pack("<HHHHHH", 54, 1, 53, 0, 0, 0),
        b"shdr": named("sine", "<IIIIIBbHH", *sample) + named("EOS", "<IIIIIBbHH", *[0] * 9),
    }
    content = chunk(b"LIST", b"INFO" + info)
    content += chunk(b"LIST", b"sdta" + chunk(b"smpl", wave_L.tobytes() + bytes(92)))
    content += chunk(b"LIST", b"pdta" + b"".join(chunk(name, part) for name, part in parts.items()))
    return chunk(b"RIFF", b"sfbk" + content)


class Synthesizer:
    """Half a second of one level, the left channel louder; of a file that says so it cannot be read."""

    def __init__(self, sf_path: str, sample_rate: int, quality: int) -> None:
        with open(sf_path, "rb") as file:
            self.content = file.read()
        if b"damaged" in self.content:
            raise RuntimeError("no such chunk")
        self.samples = sample_rate // 2

    def render(self, score, stereo: bool) -> np.ndarray:
        if b"odd" in self.content:
            raise TypeError("cannot be handed out")
        level = 0.0 if b"silent" in self.content else 2.0
        return np.full((2, self.samples), level, np.float32) * np.array([[1], [0.5]], np.float32)


SCORE = SimpleNamespace(from_midi=lambda content: SimpleNamespace(note_num=lambda: 2))
SYMUSIC = SimpleNamespace(Score=SCORE, Synthesizer=Synthesizer)
"""The package as far as it is used."""
