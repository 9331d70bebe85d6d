"""Striate's random numbers, by NumPy's Philox 4x64-10; the words for tests/base/test_random.cpp.

usage: /usr/bin/python3 random_words.py"""

import numpy as np


def fnv1a(text):
    """FNV-1a over 64 bits, the hash that makes a purpose part of the key."""
    h = 0xCBF29CE484222325
    for c in text.encode():
        h = ((h ^ c) * 0x100000001B3) % 2**64
    return h


def words(seed, purpose, counter, count=4):
    """So many words from `counter` on; NumPy steps its counter before it draws."""
    before = (sum(c << 64 * i for i, c in enumerate(counter)) - 1) % 2**256
    before = np.array([before >> 64 * i & 2**64 - 1 for i in range(4)], dtype=np.uint64)
    key = np.array([seed, fnv1a(purpose)], dtype=np.uint64)
    return np.random.Philox(key=key, counter=before).random_raw(count)


def uniforms(seed, purpose, count):
    """The first numbers in (0, 1) of the stream of sample 0."""
    return ((words(seed, purpose, (0, 0, 0, 0), count) >> np.uint64(12)) + 0.5) * 2.0**-52


if __name__ == "__main__":
    print(", ".join(f"{int(w):#018x}" for w in words(7, "cue", (1, 2, 3, 4))))
