"""The promises of an executor, kept in this process and in processes of submitit's."""

import pytest

from evoframe.testing import conformance
from evoframe_submitit import Submitit

pytest.importorskip("submitit")

test_debug_conforms = conformance(Submitit(cluster="debug"))

test_local_conforms = pytest.mark.slow(conformance(Submitit(cluster="local", poll=0.1)))
