"""Groups of channels, to be looked up by channel."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor


@attrs.frozen(eq=False)
class Groups:
    """Groups of channels in the layout of a sparse matrix: a row of groups for each channel.

    Attributes:
        owners: the group of each member, sorted by channel.
        starts: where the members of each channel begin among them; one entry more than channels.
    """

    owners: Tensor
    starts: Tensor

    @classmethod
    def of(cls, groups: Sequence[Tensor], count: int) -> Groups:
        """Return the groups over so many channels."""
        sizes = torch.tensor([group.numel() for group in groups], dtype=torch.long)
        flat = torch.cat([group.reshape(-1) for group in groups]) if groups else sizes
        owners = torch.arange(len(groups)).repeat_interleave(sizes)
        # Column pointers of the sparse matrix channels x groups; a channel may be in many groups.
        ends = torch.bincount(flat, minlength=count).cumsum(0)
        return cls(owners[flat.argsort()], torch.cat([ends.new_zeros(1), ends]))

    def each(self, channels: Tensor) -> Tensor:
        """Return a group for every membership of these channels, channel by channel."""
        first, counts = self.starts[channels], self.starts[channels + 1] - self.starts[channels]
        ends = counts.cumsum(0)
        # Running numbers, shifted for each channel to where its own members begin.
        steps = torch.arange(int(ends[-1]) if len(ends) else 0)
        return self.owners[steps + (first - ends + counts).repeat_interleave(counts)]

    def having(self, channels: Tensor) -> list[int]:
        """Return the groups that have any of these channels."""
        return sorted(set(self.each(channels).tolist()))
