"""A strategy for evoframe, of the role litter."""

import attrs

from evoframe.plugin import Litter, StillbornError, doc, hookimpl


@attrs.frozen
class Duel(Litter):
    """Schools the better of the only child and one that strays from it."""

    name = "duel"
    step: float = attrs.field(default=0.1, metadata=doc("how far it strays, of all places"))
    examples: int = attrs.field(default=500, metadata=doc("training examples that both see"))

    def raise_one(self, brood, context):
        first = brood.only()
        try:
            second = brood.another(around=first, step=self.step)
        except StillbornError:
            return brood.school(first)
        losses = [brood.judge(one, by="loss", examples=self.examples) for one in (first, second)]
        return brood.school(second if losses[1] < losses[0] else first)


@hookimpl
def evoframe_litters():
    return [Duel]
