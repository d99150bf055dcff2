"""A strategy for evoframe, of the role encoding."""

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl


@attrs.frozen
class SquareLaw(Encoding):
    """Odds grow with the square of the weight."""

    name = "square-law"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for parameter, eligible in inheritance.eligible.items():
            squares = inheritance.strengths[parameter].square()
            levels = even_levels(squares, float(squares.max()))
            genes[parameter] = Genes(levels, even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [SquareLaw]
