# SPDX-License-Identifier: Apache-2.0
"""make_tree.py FILES DIR: a tree like a source tree, the same each time; 40 files a folder, 3 deep."""
import os
import random
import sys

NAMES = ["file", "Makefile", "two words", "über", "a.b.c", "UPPER", "日本", "x" * 60]


def main(count, top):
    rng = random.Random(20)
    for number in range(count):
        folder = os.path.join(top, f"d{number // 1600}", f"sub {number // 160 % 10}", f"s{number // 40 % 4}")
        os.makedirs(folder, exist_ok=True)
        # sizes like sources: most are a few KiB, some empty, a few large
        size = int(rng.paretovariate(0.9) * 300) % 200000 if number % 50 else 0
        with open(os.path.join(folder, f"{NAMES[number % len(NAMES)]}-{number}.txt"), "wb") as out:
            out.write(rng.randbytes(size // 2))
            out.write(b"all work and no play\n" * (size // 42))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
