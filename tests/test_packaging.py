"""The distributions: what they hold, and that they work where the working tree is not."""

import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"cli", "components", "corpora", "modules", "pipeline", "schemas", "serving"}
# Run where only the wheel and its dependencies are: every module of the wheel, imported.
IMPORT_ALL = """
import importlib, json, pkgutil, sys
names = [
    found.name
    for package in sys.argv[1:]
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")
]
failed = {}
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
places = {package: sys.modules[package].__file__ for package in sys.argv[1:]}
print(json.dumps({"names": names, "failed": failed, "places": places}))
"""

pytestmark = pytest.mark.component


def _run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _tracked():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The source distribution, and the wheel built from it and nothing else."""
    folder = tmp_path_factory.mktemp("dist")
    checkout = folder / "checkout"
    for name in _tracked():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, checkout / name)
    _run(sys.executable, "setup.py", "-q", "sdist", "-d", str(folder), cwd=checkout)
    (source,) = folder.glob("*.tar.gz")
    build = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    _run(sys.executable, *build, "-w", str(folder), str(source), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return source, wheel


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """The Python of an environment with the wheel and what it depends on, and no working tree."""
    environment = tmp_path_factory.mktemp("clean") / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    (site,) = environment.glob("lib/python*/site-packages")
    # Folders named by a .pth file are searched, but their own .pth files are not read: the
    # dependencies are there, and what is installed editable is not.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-index")
    _run(*pip, "--no-deps", "--ignore-installed", str(distributions[1]), cwd=environment)
    return python


def test_the_wheel_holds_the_packages_and_their_data_only(distributions):
    inside = {
        name for name in zipfile.ZipFile(distributions[1]).namelist() if ".dist-info/" not in name
    }
    assert inside == {name for name in _tracked() if name.split("/")[0] in PACKAGES}


def test_the_source_distribution_holds_what_building_needs_and_no_tests(distributions):
    with tarfile.open(distributions[0]) as archive:
        inside = {
            str(PurePosixPath(*PurePosixPath(member.name).parts[1:]))
            for member in archive.getmembers()
            if member.isfile()
        }
    ours = {name for name in _tracked() if name.split("/")[0] in PACKAGES}
    assert ours <= inside
    assert {"LICENSE", "README.md", "pyproject.toml", "requirements.lock", "setup.py"} <= inside
    others = {name for name in inside - ours if "/" in name and ".egg-info/" not in name}
    assert not others


def test_every_module_of_the_wheel_is_imported_from_it(installed, tmp_path):
    told = json.loads(
        _run(str(installed), "-I", "-c", IMPORT_ALL, *sorted(PACKAGES), cwd=tmp_path).splitlines()[
            -1
        ]
    )
    # Features of a baseline; its package is an extra.
    assert not {name for name, error in told["failed"].items() if "opensmile" not in error}
    assert len(told["names"]) > 200
    environment = str(installed.parent.parent)
    assert all(place.startswith(environment) for place in told["places"].values())


def test_the_installed_command_works(installed, tmp_path):
    command = str(installed.parent / "ser")
    assert _run(command, "--version", cwd=tmp_path).startswith("ser ")
    # Files that it reads from the wheel: a preset, to complain about the manifest …
    done = subprocess.run(
        [command, "run", "--manifest", "absent.csv", "--output", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "absent.csv" in done.stderr) == (2, True), done.stderr
    # … and TF Serving's configuration, to copy.
    (tmp_path / "serving" / "emodb" / "1").mkdir(parents=True)
    (tmp_path / "serving" / "emodb" / "1" / "saved_model.pb").touch()
    _run(command, "serving", "config", "--root", "serving", cwd=tmp_path)
    assert (tmp_path / "tensorflow_serving" / "batching.config").is_file()
