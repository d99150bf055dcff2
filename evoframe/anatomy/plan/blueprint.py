"""Blueprint: what it takes to build a smaller network again, without surveying its ancestor."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor, nn

from evoframe.anatomy.channels.size_attribute import Numbers
from evoframe.anatomy.plan.growing import body_of, grow
from evoframe.anatomy.replacements import Idle, fits, replace, replaced
from evoframe.errors import ExportError, shortened
from evoframe.kernel.modules.entries import tensors_of


@attrs.frozen
class Blueprint:
    """How a smaller network differs from the architecture that it descends from.

    Attributes:
        whole_shapes: of every parameter and buffer of the whole architecture.
        numbers: what attributes of its modules say in the smaller network.
        replacements: modules in whose places others stand there, with the names of their classes.
        idle: modules that compute nothing there, of blocks that left.
    """

    whole_shapes: Mapping[str, tuple[int, ...]]
    numbers: Numbers
    replacements: Mapping[str, str] = attrs.Factory(dict)
    idle: Mapping[str, Idle] = attrs.Factory(dict)

    def build(self, network: nn.Module, values: Mapping[str, Tensor]) -> nn.Module:
        """Return the smaller network, in evaluation mode.

        Args:
            network: one of the whole architecture; not changed.
            values: the parameters and buffers of the smaller network, buffers outside the state
                dict too.

        Raises:
            ExportError: the architecture is another one, or values do not fit it.
        """
        _compare(self.whole_shapes, entries_of(network), "the architecture")
        # Sizes of what was cut are free to differ, the number of axes is not.
        ranks = {name: (0,) * len(shape) for name, shape in self.whole_shapes.items()}
        found = {name: (0,) * value.ndim for name, value in values.items()}
        _compare(ranks, found, "the file of weights")
        self._require_smaller(values)
        self._require_numbers(network)
        self._require_idle(network)
        body = self._replaced(body_of(network))
        return grow(body, values, self.numbers, self.idle).eval()

    def _replaced(self, body: nn.Module) -> nn.Module:
        """Return the body itself, with the replacements that stand in the smaller network.

        Raises:
            ExportError: there is no such replacement here, or nothing that it could stand for.
        """
        found = replaced(replace(body, self.replacements))
        for name, kind in self.replacements.items():
            if found.get(name) != kind:
                raise ExportError(
                    f"in this export {kind!r} replaces {name!r}, where this evoframe "
                    f"and this architecture have {found.get(name, 'no replacement')!r}; wanted the "
                    "same torch module there, and an evoframe that knows the replacement."
                )
        return body

    def _require_smaller(self, values: Mapping[str, Tensor]) -> None:
        for name, whole in self.whole_shapes.items():
            sizes = tuple(values[name].shape)
            least = 0 if self._is_idle(name) else 1
            if any(
                left > all_ or left < min(all_, least)
                for left, all_ in zip(sizes, whole, strict=True)
            ):
                raise ExportError(
                    f"{name} of the file of weights has shape {sizes}; wanted part of {whole}."
                )

    def _is_idle(self, entry: str) -> bool:
        return any(entry.startswith(f"{name}.") for name in self.idle)

    def _require_idle(self, network: nn.Module) -> None:
        """Refuse to let modules be idle that are not there, or in a way that is not theirs."""
        modules = dict(network.named_modules())
        for name, how in self.idle.items():
            if not name or name not in modules or not fits(modules[name], how):
                found = type(modules[name]).__name__ if name in modules else "no such module"
                raise ExportError(
                    f"in this export {how.kind!r} replaces {name!r}, where this "
                    f"architecture has {found}; wanted a network with the removed block, and "
                    "an evoframe that knows the replacement."
                )

    def _require_numbers(self, network: nn.Module) -> None:
        """Refuse to write anything into attributes but a smaller size where a size was."""
        modules = dict(network.named_modules())
        for (name, attribute, place), number in self.numbers.items():
            held = vars(modules[name]).get(attribute) if name in modules else None
            if place is not None and isinstance(held, list | tuple) and place < len(held):
                found: object = held[place]
            else:
                found = held if place is None else None
            if attribute.startswith("_") or type(found) is not int or not 0 <= number <= found:
                where = f"{name}.{attribute}".lstrip(".") + ("" if place is None else f"[{place}]")
                raise ExportError(
                    f"the architecture does not belong to this export, or the export is damaged: "
                    f"it sets {where} to {number}, and there is {found!r}; wanted a whole number "
                    "that is at least as large."
                )


def entries_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter and buffer, each under its first name."""
    return {name: tuple(value.shape) for name, value in tensors_of(network).items()}


def _compare(
    wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], what: str
) -> None:
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    other = [name for name in wanted if name in found and wanted[name] != found[name]]
    said = [
        f"{label} {shortened(sorted(names))}"
        for label, names in (("lacks", missing), ("has besides", unknown), ("has another", other))
        if names
    ]
    if said:
        raise ExportError(
            f"{what} does not belong to this export: it {'; it '.join(said)}. The factory must "
            "build the whole network that was evolved, with the same arguments."
        )
