"""Pictures and scenes of the saliency task: every layout, every mistake, and what is drawn."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from evoframe.cli import main
from evoframe.errors import TaskError
from evoframe.kernel.key import Key
from evoframe.strategies.task import Saliency, pictures, scenes

Image = pytest.importorskip("PIL.Image")

COUNT, WIDTH, HEIGHT = 10, 40, 24


def photograph(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture with a bright square that is elsewhere in each, and its mask."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:16, 2 * number + 2 : 2 * number + 14] = 255
    return np.stack([mask // 2 + 10 * number] * 3, -1).astype(np.uint8), mask


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return buffer.getvalue()


LAYOUTS: dict[str, Callable[[str], tuple[str, str]]] = {
    "one folder": lambda name: (f"{name}.jpg", f"{name}.png"),
    "below": lambda name: (f"MSRA-B/{name}.jpg", f"MSRA-B/{name}.png"),
    "imgs and gt": lambda name: (f"imgs/{name}.jpg", f"gt/{name}.png"),
    "images and masks": lambda name: (f"images/{name}.jpg", f"masks/{name}.png"),
    "capitals": lambda name: (f"ECSSD/Images/{name}.JPG", f"ECSSD/Ground_Truth_Mask/{name}.PNG"),
}


def laid_out(place: Path, layout: str = "images and masks") -> Path:
    for number in range(COUNT):
        image, mask = photograph(number)
        for name, pixels in zip(LAYOUTS[layout](f"{number:04}"), (image, mask), strict=True):
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            kind = "JPEG" if name.lower().endswith("jpg") else "PNG"
            file.write_bytes(encoded(pixels, kind))
    return place


def zipped(place: Path) -> Path:
    file = place.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("__MACOSX/images/._0000.jpg", b"left behind by an archiver")
        archive.writestr("index.csv", "id,width,height")
        for one in sorted(place.rglob("*.*")):
            archive.write(one, one.relative_to(place).as_posix())
    return file


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_alike(layout: str, tmp_path: Path) -> None:
    """People have these sets as they were published, unpacked or not."""
    folder = laid_out(tmp_path / "set", layout)

    found, packed = pictures.read(folder, 32), pictures.read(zipped(folder), 32)

    assert found.images.shape == (COUNT, 32, 32, 3)
    assert np.array_equal(found.images, packed.images)
    assert np.array_equal(found.masks, packed.masks)
    for number in range(COUNT):
        image, mask = photograph(number)
        assert found.masks[number].mean() == pytest.approx((mask > 0).mean(), abs=0.03)
        assert found.images[number].mean() == pytest.approx(image.mean(), abs=2)
        inside = found.images[number][found.masks[number] == 1].mean()
        assert inside > found.images[number][found.masks[number] == 0].mean() + 80


def test_splits_are_drawn_by_a_seed_of_their_own(tmp_path: Path) -> None:
    """A tenth to judge by, a fifth to test with, every picture in one split, and none in two."""
    folder = laid_out(tmp_path / "set")

    def levels(split: str, **options) -> list[float]:
        images, _ = Saliency(data=folder, image_size=32, **options)._splits()[split]
        return sorted(images.float().amin((1, 2, 3)).tolist())  # tells the pictures apart

    sizes = {split: len(levels(split)) for split in ("train", "validation", "test")}
    assert sizes == {"train": 7, "validation": 1, "test": 2}
    everyone = levels("train") + levels("validation") + levels("test")
    assert len(set(everyone)) == COUNT
    assert levels("test") == levels("test", train_size=3)
    assert any(levels("test") != levels("test", split_seed=seed) for seed in (1, 2, 3))
    named = {"train_size": 2, "validation_size": 3, "test_size": 4}
    assert [len(levels(name.split("_")[0], **named)) for name in named] == [2, 3, 4]
    with pytest.raises(TaskError, match="more than the 10 pictures"):
        levels("train", train_size=8)


def missing_mask(place: Path) -> str:
    (place / "masks/0003.png").unlink()
    return "there is no mask for image 'images/0003.jpg'"


def missing_images(place: Path) -> str:
    for number in range(5):
        (place / f"images/000{number}.jpg").unlink()
    return "there is no image for mask 'masks/0000.png', .*'masks/0002.png' and 2 more"


def mask_of_another_size(place: Path) -> str:
    (place / "masks/0004.png").write_bytes(encoded(np.zeros((8, 9), np.uint8), "PNG"))
    return "'images/0004.jpg' has 40 x 24 pixels and its mask 'masks/0004.png' 9 x 8"


def text_for_a_mask(place: Path) -> str:
    (place / "masks/0005.png").write_text("no picture at all")
    return "'masks/0005.png' is no image"


def half_an_image(place: Path) -> str:
    file = place / "images/0006.jpg"
    file.write_bytes(file.read_bytes()[:300])
    return "'images/0006.jpg' cannot be read"


def mask_of_ones(place: Path) -> str:
    (place / "masks/0007.png").write_bytes(encoded(photograph(7)[1] // 255, "PNG"))
    return "'masks/0007.png' is nowhere brighter than 1; wanted values from 0 to 255"


def mask_of_sixteen_bits(place: Path) -> str:
    pixels = photograph(8)[1].astype(np.uint16) * 257
    (place / "masks/0008.png").write_bytes(encoded(pixels, "PNG"))
    return "'masks/0008.png' is of the kind I;16"


def two_of_one_name(place: Path) -> str:
    (place / "images/0009.png").write_bytes(encoded(photograph(9)[0], "PNG"))
    return "'images/0009.jpg' and 'images/0009.png' have the same name"


def two_sets(place: Path) -> str:
    laid_out(place / "more", "imgs and gt")
    return "holds 2 sets of images with masks, at 'images', 'more/imgs'"


def only_images(place: Path) -> str:
    for mask in (place / "masks").iterdir():
        mask.unlink()
    return "holds no images with masks; found 10 in 'images'"


def nothing(place: Path) -> str:
    for file in place.rglob("*.*"):
        file.unlink()
    return "holds no images with masks; found no image"


SPOILS = (
    missing_mask, missing_images, mask_of_another_size, text_for_a_mask, half_an_image,
    mask_of_ones, mask_of_sixteen_bits, two_of_one_name, two_sets, only_images, nothing,
)  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_what_is_wrong_is_told_by_the_name_of_the_file(
    spoil: Callable[[Path], str], packed, tmp_path: Path
) -> None:
    """Among five thousand files nobody finds the one that is broken."""
    folder = laid_out(tmp_path / "set")
    said = spoil(folder)

    with pytest.raises(TaskError, match=said):
        Saliency(data=zipped(folder) if packed else folder).batches("train")


def test_a_source_that_is_no_folder_and_no_zip_is_refused(tmp_path: Path) -> None:
    """A misspelt path is the commonest mistake."""
    (text := tmp_path / "notes.zip").write_text("not an archive")

    with pytest.raises(TaskError, match=r"nowhere' is not there. Wanted: a folder or .zip"):
        Saliency(data=tmp_path / "nowhere").batches("train")
    with pytest.raises(TaskError, match=r"notes.zip' cannot be read: File is not a zip file"):
        Saliency(data=text).batches("train")


@pytest.mark.parametrize("brightest", [0, 1, 2])
def test_images_from_0_to_1_are_refused(brightest: int, tmp_path: Path) -> None:
    """Saved as bytes they are black, and nothing can be learned of them."""
    folder = laid_out(tmp_path / "set")
    for file in (folder / "images").iterdir():
        file.write_bytes(encoded(np.full((HEIGHT, WIDTH, 3), brightest, np.uint8), "PNG"))

    if brightest > 1:
        assert pictures.read(folder, 32).images.max() == brightest
        return
    with pytest.raises(TaskError, match=f"nowhere brighter than {brightest}; wanted values from"):
        pictures.read(folder, 32)


def test_masks_may_be_empty(tmp_path: Path) -> None:
    """A picture may well have nothing that stands out."""
    folder = laid_out(tmp_path / "set")
    (folder / "masks/0002.png").write_bytes(encoded(np.zeros((HEIGHT, WIDTH), np.uint8), "PNG"))

    assert pictures.read(folder, 32).masks[2].sum() == 0


def test_without_pillow_it_says_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    """Nothing else of the task needs it."""
    monkeypatch.setitem(sys.modules, "PIL", None)

    with pytest.raises(TaskError, match=r"pip install evoframe\[images\]"):
        Saliency(data=laid_out_without_pillow(tmp_path)).batches("train")
    assert len(Saliency(train_size=4, test_size=1, validation_size=1).batches("train")) == 1


def laid_out_without_pillow(place: Path) -> Path:
    (place / "a.jpg").write_bytes(b"")
    (place / "a.png").write_bytes(b"")
    return place


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("width=0", "task: 'width' must be > 0"),
        ("image_size=100", "image_size is 100; wanted a multiple of 16, .* nearest is 96"),
        ("image_size=0", "image_size is 0; wanted a multiple of 16, .* nearest is 16"),
        ("train_size=0", "'train_size' must be >= 1"),
        ("data=nowhere", "nowhere' is not there"),
        ("trunk=nowhere.pt", "nowhere.pt' cannot be loaded"),
    ],
)
def test_the_command_line_refuses_with_2_and_a_reason(option: str, said: str, tmp_path) -> None:
    """Before anything is written."""
    out = tmp_path / "run"
    arguments = ["evolve", "--task", "saliency", "-o", f"task.{option}", "--out", str(out)]

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2, result.output
    assert re.search(said, result.output), result.output
    assert not out.exists()


# --- scenes -------------------------------------------------------------------------------------


def test_a_scene_is_its_key_and_number() -> None:
    """Whoever asks for more scenes gets the same ones first; another key draws others."""
    images, masks = scenes.draw(Key(3), 4, 32)

    more, their_masks = scenes.draw(Key(3), 6, 32)
    others, _ = scenes.draw(Key(4), 4, 32)

    assert np.array_equal(images, more[:4])
    assert np.array_equal(masks, their_masks[:4])
    assert images.shape == (4, 32, 32, 3)
    assert (images != others).mean() > 0.5


def test_objects_stand_out_and_are_neither_tiny_nor_everything() -> None:
    """Without that there would be nothing to learn."""
    images, masks = scenes.draw(Key(0), 40, 48)

    shares = masks.mean((1, 2))
    assert set(np.unique(masks)) == {0, 1}
    assert 0.01 < shares.min() < shares.max() < 0.6
    assert 0.08 < shares.mean() < 0.3
    for image, mask in zip(images.astype(float), masks == 1, strict=True):
        inside, outside = image[mask].mean(0), image[~mask].mean(0)
        assert np.abs(inside - outside).max() > 25


def test_batches_are_mirrored_with_their_masks_when_shuffled() -> None:
    """In natural order every picture is as it is; shuffled, half of them look the other way."""
    task = Saliency(image_size=16, train_size=40, validation_size=1, test_size=1)
    plain = dict(_named(task.batches("train", batch_size=16)))

    shuffled = list(_named(task.batches("train", shuffle=Key(1), batch_size=16)))
    unmirrored = _named(
        Saliency(
            image_size=16, train_size=40, validation_size=1, test_size=1, mirror=False
        ).batches("train", shuffle=Key(1))
    )

    turned = 0
    for name, (image, mask) in shuffled:
        original, its_mask = plain[name]
        as_it_is = torch.equal(image, original)
        turned += not as_it_is
        assert torch.equal(image, original if as_it_is else original.flip(-1))
        assert torch.equal(mask, its_mask if as_it_is else its_mask.flip(-1))
    assert sorted(plain) == sorted(name for name, _ in shuffled) != [name for name, _ in shuffled]
    assert 8 < turned < 32
    assert all(torch.equal(image, plain[name][0]) for name, (image, _) in unmirrored)


def _named(batches):
    """Give each picture by what mirroring does not change."""
    for images, masks in batches:
        for image, mask in zip(images, masks, strict=True):
            name = round(float(image.double().square().mean()), 5)
            yield name, (image, mask)
