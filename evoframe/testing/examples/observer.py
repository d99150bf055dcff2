"""A strategy for evoframe, of the role observer."""

import attrs

from evoframe.plugin import Observer, hookimpl


@attrs.frozen(eq=False)
class Herald(Observer):
    """Prints every generation."""

    name = "herald"

    @hookimpl
    def evoframe_generation_finished(self, event):
        print(event.generation, event.best)


@hookimpl
def evoframe_observers():
    return [Herald]
