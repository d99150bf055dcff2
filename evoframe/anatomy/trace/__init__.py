"""Traces: what one forward pass without arithmetic shows of a network.

The network runs on the meta device while every dispatched ATen call is seen; the rules say what
each call does to channels.
"""

from evoframe.anatomy.trace.forward import answers_of as answers_of, trace as trace
from evoframe.anatomy.trace.trace import (
    Barrier as Barrier,
    Pass as Pass,
    RecordedCall as RecordedCall,
    Trace as Trace,
)
from evoframe.anatomy.trace.values import Answer as Answer
