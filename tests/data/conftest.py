import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def pointer(tmp_path):
    """A file that Git LFS left in place of the data."""
    path = tmp_path / "pointer"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    return path
