"""A small network over a random encoder, and the base trained with it."""

import own_clips
import pytest


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_ENCODERS", str(folder))
        yield own_clips.spec(folder)


@pytest.fixture(scope="module")
def base(network):
    return own_clips.base(network)
