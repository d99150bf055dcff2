import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """The digest of the run of every test, lived in one process."""
    from helpers import serial

    return serial(tmp_path_factory.mktemp("serial") / "run")
