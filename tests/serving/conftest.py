import shutil

import pytest
from tiny_models import export_tiny, make_network

from schemas.labels import PAPER_EMOTIONS


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Folders of exports that always answer the emotion they are named after."""
    root = tmp_path_factory.mktemp("exports")
    return {
        emotion: export_tiny(
            make_network(favourite=PAPER_EMOTIONS.index(emotion)), root / emotion, domain="emodb"
        )
        for emotion in ("anger", "sadness")
    }


@pytest.fixture
def push(exports, tmp_path):
    """Returns a function that pushes an export into the serving folder `tmp_path / "serving"`."""
    (tmp_path / "serving").mkdir()

    def push(emotion, model, version):
        target = tmp_path / "serving" / model / str(version)
        shutil.copytree(exports[emotion], target)
        return target

    return push


@pytest.fixture
def root(push, tmp_path):
    """A serving folder with version 3 of `emodb`, which answers anger."""
    push("anger", "emodb", 3)
    return tmp_path / "serving"
