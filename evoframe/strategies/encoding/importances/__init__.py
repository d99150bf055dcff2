"""Importances of bundles: how much a network would miss what leaves it together.

A bundle is judged by all of its members: rows of weights that write it, columns that read it, and
what is its own. With w the weights and g the gradient of the loss, sums going over members:

    magnitude          sum w^2 over rows, columns and the scales of norms
    taylor             sum |w E[g]| over rows and columns, g of a batch (1906.10771)
    fisher             E[(sum w g)^2] over columns, g of one example (2108.00708)
    hessian-vector     |E[sum w g] - 1/2 w^T H w| over columns: the change to second order
    activation         mean E|a| of what is given to its readers
    batch-norm         mean |scale| of its batch norms (1708.06519)
    geometric-median   mean distance of its rows to the others of their layer (1811.00250)

The sum of w g over all columns that read a channel is the derivative of the loss by a factor of
that channel, so `fisher` and `hessian-vector` ask what turning it off does; where no weight reads
a channel, its rows and biases say the same. Biases, and the scales and shifts of norms, would only
repeat in `taylor` what columns say. The products w^T H w come from Hessian-vector products with a
random sign for each bundle, which leave its own block of H in the mean.

A residual block is asked by the parameters that write what it adds, or scale and shift that last:
sums of w g over them are the derivative of the loss by a factor of the whole branch. Importances
that know no gradients give it the mean of the bundles inside.
"""

from evoframe.strategies.encoding.importances.judging import (
    IMPORTANCES as IMPORTANCES,
    Importance as Importance,
    importance_of as importance_of,
)
from evoframe.strategies.encoding.importances.subject import Subject as Subject
