"""What all tests share: the marker of those that need a compiler, and a schema of their own.

A test needs a compiler if it runs the GPU's kernels, built for the host.
"""

import logging

import pytest

STAND_IN = "tests.backend.standin"


@pytest.hookimpl(tryfirst=True)  # before -m selects by marker
def pytest_collection_modifyitems(items):
    for item in items:
        if _uses_the_stand_in(item.module):
            item.add_marker(pytest.mark.compiler)


def _uses_the_stand_in(module):
    homes = (getattr(each, "__module__", None) or each.__name__ for each in _named(module))
    return any(home.startswith(STAND_IN) for home in homes)


def _named(module):
    """The modules, classes and functions among a module's globals."""
    return [each for each in vars(module).values() if hasattr(each, "__name__")]


@pytest.fixture
def own_schema():
    """What a test adds to the schema lasts as long as the test."""
    from caffe_lite.proto import schema

    before = dict(vars(schema))
    before["_additions"] = list(schema._additions)
    yield schema
    vars(schema).update(before)


@pytest.fixture(autouse=True)
def own_log():
    """A command sets the package's log up for its process; after a test it is as before."""
    logger = logging.getLogger("caffe_lite")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    for handler in set(logger.handlers) - set(handlers):
        handler.close()
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate
