import pytest


@pytest.fixture
def own_schema():
    """What a test adds to the schema lasts as long as the test."""
    from caffe_lite.proto import schema

    before = dict(vars(schema))
    before["_additions"] = list(schema._additions)
    yield schema
    vars(schema).update(before)
