"""A tiny data set of Ultralytics: pictures with a red and a blue rectangle; and a tiny network."""

import numpy as np
from PIL import Image

TINY = """
nc: 2
reg_max: 4
scales:
  n: [0.33, 0.25, 1024]
backbone:
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, C2f, [64, True]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, C2f, [128, True]]
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 2], 1, Concat, [1]]
  - [-1, 1, C2f, [64]]
  - [[7, 4], 1, Detect, [nc]]
"""


def drawn(folder, counts, size=64):
    """Fill a folder with splits of pictures, a data.yaml and a tiny.yaml; return the folder."""
    for seed, (split, count) in enumerate(counts.items()):
        dice = np.random.default_rng(seed)
        for number in range(count):
            picture = dice.integers(0, 60, (size, size - 16 * (number % 2), 3), dtype=np.uint8)
            lines = [box(picture, kind, dice) for kind in range(2)]
            for kind in ("images", "labels"):
                (folder / kind / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / "images" / split / f"{number}.png")
            (folder / "labels" / split / f"{number}.txt").write_text("\n".join(lines))
    splits = "".join(f"{split}: images/{split}\n" for split in counts)
    (folder / "data.yaml").write_text(f"path: {folder}\n{splits}names: [red, blue]\n")
    (folder / "tiny.yaml").write_text(TINY)
    return folder


def box(picture, kind, dice):
    """Paint a rectangle; return its line of a label file."""
    high, wide = picture.shape[:2]
    h, w = (int(one) for one in dice.integers(16, 32, 2))
    y, x = int(dice.integers(0, high - h)), int(dice.integers(0, wide - w))
    picture[y : y + h, x : x + w] = (230, 40, 40) if kind == 0 else (40, 40, 230)
    numbers = ((x + w / 2) / wide, (y + h / 2) / high, w / wide, h / high)
    return " ".join(map(str, (kind, *numbers)))
