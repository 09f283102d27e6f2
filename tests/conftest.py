"""Options shared by the tests, and a cache of machine code that is theirs alone."""

import atexit
import os
import shutil
import tempfile

import pytest

if "RNNGRAPH_CACHE" not in os.environ:
    os.environ["RNNGRAPH_CACHE"] = tempfile.mkdtemp(prefix="rnngraph-tests-")
    atexit.register(shutil.rmtree, os.environ["RNNGRAPH_CACHE"], ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bless", action="store_true", help="write the expected outputs anew (then read the diff)"
    )


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """Whether expected outputs are to be written instead of compared."""
    return bool(request.config.getoption("--bless"))
