"""Built-in strategies of the role ``encoding``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.encoding.cluster import Cluster as Cluster
from evoframe.strategies.encoding.inherited import Inherited as Inherited
from evoframe.strategies.encoding.magnitude import Magnitude as Magnitude
from evoframe.strategies.encoding.narrow import Narrow as Narrow
from evoframe.strategies.encoding.sensitivity import Sensitivity as Sensitivity
from evoframe.strategies.encoding.synaptic import Synaptic as Synaptic
from evoframe.strategies.encoding.uniform import Uniform as Uniform


@hookimpl
def evoframe_encodings() -> list[type]:
    """Offer the strategies of this folder."""
    return [Cluster, Inherited, Magnitude, Narrow, Sensitivity, Synaptic, Uniform]
