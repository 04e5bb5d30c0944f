import pytest


@pytest.fixture
def root(tmp_path):
    """A serving folder with versions 3, 5 and 12 of emodb and 7 of multi-domain, without graphs."""
    folder = tmp_path / "release" / "serving"
    for version in ("emodb/3", "emodb/5", "emodb/12", "multi-domain/7"):
        (folder / version).mkdir(parents=True)
        (folder / version / "saved_model.pb").touch()
    (folder / "multi-domain" / "8").mkdir()  # still being copied
    return folder
