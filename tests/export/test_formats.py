"""The registry of formats."""

import pytest

from caffe_lite.errors import UsageError
from caffe_lite.export.formats import find_format, format_names


@pytest.mark.parametrize("name", format_names())
def test_every_format_defines_what_the_command_needs(name):
    found = find_format(name)
    assert found.name == name
    assert found.suffix.startswith(".")
    assert not found.packages or found.extra


def test_unknown_formats_are_refused():
    with pytest.raises(UsageError, match='unknown format "nonsense"'):
        find_format("nonsense")
