"""Scenes to look at: one or two objects that stand out before a texture, and their true masks.

A stand-in for photographs, so that the saliency task runs anywhere. What stands out is large, near
the middle, and of another colour than its surroundings; what does not are many small patches in
the colours of the background. Every scene is drawn from a key of its own with NumPy alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evoframe.kernel.key import WORD_VALUES, Key

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

CONTRAST = 0.35
"""How far apart the colours of an object and its background are at least, in RGB from 0 to 1."""


def draw(key: Key, count: int, size: int) -> tuple[Bytes, Bytes]:
    """Return scenes (N, size, size, 3) from 0 to 255, and masks (N, size, size) of 0 and 1.

    A scene depends on its number and not on how many there are.
    """
    scenes = [_scene(key.at("scene", number), size) for number in range(count)]
    return np.stack([image for image, _ in scenes]), np.stack([mask for _, mask in scenes])


def _scene(key: Key, size: int) -> tuple[Bytes, Bytes]:
    ground, image = _background(key.at("background"), size)
    for number in range(int(2 + 8 * uniform(key.at("patches"), 1)[0])):
        image = _patch(key.at("patch", number), image, ground)
    mask = np.zeros((size, size), bool)
    for number in range(1 + (uniform(key.at("objects"), 1)[0] < 0.25)):
        image, cover = _object(key.at("object", number), image, ground)
        mask |= cover >= 0.5
    grain = uniform(key.at("grain"), size * size * 3).reshape(size, size, 3) - 0.5
    pixels = np.clip(image + 0.06 * grain, 0, 1) * 255
    return np.rint(pixels).astype(np.uint8), mask.astype(np.uint8)


def _background(key: Key, size: int) -> tuple[Floats, Floats]:
    """Return the mean colour of a background, and the background."""
    colour = 0.2 + 0.6 * uniform(key.at("colour"), 3)
    rough, slope = uniform(key.at("kind"), 2)
    texture = 0.1 + 0.25 * rough
    image = colour + texture * _texture(key.at("texture"), size)[..., None] * _tint(key.at("tint"))
    across, down = _coordinates(size)
    turn = 2 * np.pi * uniform(key.at("turn"), 1)[0]
    light = 0.25 * (slope - 0.5) * (np.cos(turn) * across + np.sin(turn) * down)
    return colour, image + light[..., None]


def _patch(key: Key, image: Floats, ground: Floats) -> Floats:
    """Return an image with a small patch that belongs to the background."""
    middle = 2 * uniform(key.at("middle"), 2) - 1
    cover = _blob(key.at("outline"), len(image), middle, 0.04 + 0.1 * uniform(key.at("size"), 1)[0])
    shade = ground + 0.3 * (uniform(key.at("colour"), 3) - 0.5)
    return _over(image, shade, 0.8 * cover)


def _object(key: Key, image: Floats, ground: Floats) -> tuple[Floats, Floats]:
    """Return an image with an object on it, and how much of each pixel the object covers."""
    size = len(image)
    middle = 0.9 * (uniform(key.at("middle"), 2) - 0.5)
    cover = _blob(key.at("outline"), size, middle, 0.3 + 0.35 * uniform(key.at("size"), 1)[0])
    shadow = np.roll(cover, (max(1, size // 24), max(1, size // 32)), (0, 1))
    image = _over(image, 0.5 * ground, 0.4 * shadow)
    texture = _texture(key.at("texture"), size)[..., None] * _tint(key.at("tint"))
    across, down = _coordinates(size)
    light = 0.15 * ((middle[0] - across) + (middle[1] - down))[..., None]
    strength = 0.05 + 0.2 * uniform(key.at("rough"), 1)[0]
    surface = _other_colour(key.at("colour"), ground) + strength * texture + light
    return _over(image, surface, cover), cover


def _other_colour(key: Key, ground: Floats) -> Floats:
    """Return the first colour drawn that is far enough from the ground."""
    drawn: Floats = uniform(key, 3 * 64).reshape(64, 3)
    distances = np.abs(drawn - ground).max(1)
    # The first that is; should none of 64 be, which hardly ever happens, the first of all.
    chosen: Floats = drawn[int(np.argmax(distances >= CONTRAST))]
    return chosen


def _blob(key: Key, size: int, middle: Floats, radius: float) -> Floats:
    """Return the share of each pixel that a closed outline covers, 0 to 1, (size, size).

    Its distance from the middle is a sum of waves around it, on an ellipse that is turned.
    """
    across, down = _coordinates(size)
    turn, flat, *waves = uniform(key, 10)
    one, two = across - middle[0], down - middle[1]
    x = np.cos(np.pi * turn) * one + np.sin(np.pi * turn) * two
    y = (np.cos(np.pi * turn) * two - np.sin(np.pi * turn) * one) / (0.55 + 0.45 * flat)
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for lobes, (height, phase) in enumerate(zip(waves[::2], waves[1::2], strict=True), start=2):
        outline += 0.5 * height / lobes * np.cos(lobes * angle + 2 * np.pi * phase)
    inside = radius * outline - np.hypot(x, y)
    # The picture is 2 wide, so this is the distance in pixels: the outline is one pixel soft.
    return np.asarray(np.clip(0.5 + inside * size / 2, 0, 1))


def _texture(key: Key, size: int) -> Floats:
    """Return a sum of smooth noises of four finenesses, about -1 to 1."""
    weights = 0.2 + uniform(key.at("weights"), 4)
    total = np.zeros((size, size))
    for octave, weight in enumerate(weights):
        cells = 3 * 2**octave
        grid = 2 * uniform(key.at("octave", octave), cells * cells).reshape(cells, cells) - 1
        steps = _between(cells, size)
        # (size, cells) @ (cells, cells) @ (cells, size): smooth along one axis, then the other.
        total += weight * (steps @ grid @ steps.T)
    return np.asarray(total / weights.sum() * 2)


def _between(cells: int, size: int) -> Floats:
    """Return the matrix (size, cells) that goes over smoothly from one cell to the next."""
    place = np.linspace(0, cells - 1, size)
    near = np.minimum(place.astype(int), cells - 2)
    part = place - near
    # Smoothstep: no edges where one cell gives way to the next.
    part = part * part * (3 - 2 * part)
    steps = np.zeros((size, cells))
    steps[np.arange(size), near], steps[np.arange(size), near + 1] = 1 - part, part
    return steps


def _tint(key: Key) -> Floats:
    """Return the strength with which a texture shows in each colour, (3,)."""
    return 0.5 + 0.5 * uniform(key, 3)


def _over(image: Floats, colour: Floats, cover: Floats) -> Floats:
    share = cover[..., None]
    return image * (1 - share) + colour * share


def _coordinates(size: int) -> tuple[Floats, Floats]:
    """Return coordinates of each pixel, across and down, from -1 to 1 with 0 in the middle."""
    line = (np.arange(size) + 0.5) / size * 2 - 1
    across, down = np.meshgrid(line, line)
    return across, down


def uniform(key: Key, count: int) -> Floats:
    """Return uniform numbers in [0, 1) from the words of a key."""
    return key.words(count) / WORD_VALUES
