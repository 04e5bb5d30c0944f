"""What the Dockerfile promises, against what it builds from; `make lint-image` lints it."""

import fnmatch
import re
import shlex
from importlib import metadata
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "kubeflow" / "requirements.lock"
BUILD_LOCK = ROOT / "kubeflow" / "requirements-build.lock"
GPU_LOCK = ROOT / "kubeflow" / "requirements-gpu.lock"
PACKAGES = set((metadata.distribution("ser-tfx").read_text("top_level.txt") or "").split())


@pytest.fixture(scope="module")
def dockerfile():
    file = ROOT / "kubeflow" / "Dockerfile"
    return DockerfileParser(path=str(file), env_replace=False)


def _values(dockerfile, instruction):
    return [
        step["value"] for step in dockerfile.structure if step["instruction"] == instruction.upper()
    ]


def _pins(file):
    """Returns {package: version} of a lock file, each with a hash or the file is refused."""
    entries = re.split(r"\n(?=\S)", "\n" + file.read_text(encoding="utf-8"))
    pins = {}
    for entry in entries:
        if match := re.match(r"([\w.-]+(?:\[[\w,-]+\])?)==([^\s;\\]+)", entry):
            assert "--hash=sha256:" in entry, match[0]
            pins[match[1].split("[")[0]] = match[2]
    return pins


def _sent(path):
    """Whether .dockerignore lets a file into the build; the last line that matches decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().lstrip("!")
        if not pattern or pattern.startswith("#"):
            continue
        # Like a file, a folder above it may be named.
        parts = Path(path).parts
        paths = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        anywhere = pattern.startswith("**/")
        names = parts if anywhere else paths
        if any(fnmatch.fnmatchcase(name, pattern.removeprefix("**/")) for name in names):
            sent = line.strip().startswith("!")
    return sent


def test_it_copies_every_package_and_nothing_that_is_not_sent(dockerfile):
    copied = [
        source
        for value in _values(dockerfile, "COPY")
        if not value.startswith("--from")
        for source in shlex.split(value)[:-1]
    ]
    assert set(copied) >= PACKAGES
    for source in copied:
        file = ROOT / source
        assert file.exists(), source
        assert _sent(f"{source}/__init__.py" if file.is_dir() else source), source


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "out/demo/manifest.csv",
        "tests/conftest.py",
        "docs/index.md",
        "pipeline/__pycache__/data.cpython-310.pyc",
        "recordings/a.wav",
        "kubeflow/manifests/base/secret.yaml",
    ],
)
def test_nothing_else_is_sent(path):
    assert not _sent(path)


def test_it_installs_by_hash_and_builds_with_nothing_from_elsewhere(dockerfile):
    installs = re.findall(r"pip install ([^&|;]+)", " && ".join(_values(dockerfile, "RUN")))
    assert len(installs) == 3
    *locked, own = installs
    # What builds packages that come as sources is there before them, by hash as well.
    assert [re.findall(r"-r (\S+)", words) for words in locked] == [
        [BUILD_LOCK.name],
        [LOCK.name, GPU_LOCK.name],
    ]
    assert all({"--no-deps", "--require-hashes"} <= set(words.split()) for words in locked)
    assert "--no-build-isolation" in locked[1]
    assert _pins(BUILD_LOCK).items() <= _pins(LOCK).items()
    assert {"--no-deps", "--no-index", "--no-build-isolation"} <= set(own.split())


def test_its_lock_is_the_tested_one_without_the_tools_for_development():
    tested, image = _pins(ROOT / "requirements.lock"), _pins(LOCK)
    assert image.items() <= tested.items()
    assert not {"pytest", "mypy", "ruff", "mkdocs"} & set(image)
    # All that the distribution asks for is in it, and what that asks for in turn.
    waiting, seen = ["ser-tfx"], set()
    while waiting:
        for text in metadata.requires(waiting.pop()) or []:
            needed = Requirement(text)
            name = re.sub(r"[-_.]+", "-", needed.name).lower()
            if name in seen or (needed.marker and not needed.marker.evaluate({"extra": ""})):
                continue
            seen.add(name)
            assert needed.specifier.contains(image[name], prereleases=True), text
            waiting.append(name)
    assert len(seen) > 100


def test_the_gpu_variant_adds_the_libraries_that_tensorflow_names():
    asked = {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in map(Requirement, metadata.requires("tensorflow") or [])
        if requirement.marker and "and-cuda" in str(requirement.marker)
    }
    assert _pins(GPU_LOCK) == asked
    assert len(asked) > 5


def test_both_stages_are_the_python_of_the_distribution(dockerfile):
    bases = [value.split()[0] for value in _values(dockerfile, "FROM")]
    assert bases == ["${BASE}", "${BASE}"]
    (base,) = (v.removeprefix("BASE=") for v in _values(dockerfile, "ARG") if v.startswith("BASE="))
    assert re.fullmatch(r"python:3\.10-slim-\w+", base)
    assert 'python_requires=">=3.10,<3.11"' in (ROOT / "setup.py").read_text(encoding="utf-8")
    # The interpreter's folder is spelled out where a shell could look it up, but ENV cannot.
    assert set(re.findall(r"lib/(python[\d.]+)", dockerfile.content)) == {"python3.10"}


def test_it_runs_as_a_number_that_is_not_root(dockerfile):
    user = _values(dockerfile, "USER")[-1].split(":")[0]
    assert int(user) > 0
    last_run = max(
        position
        for position, step in enumerate(dockerfile.structure)
        if step["instruction"] == "RUN"
    )
    users = [p for p, step in enumerate(dockerfile.structure) if step["instruction"] == "USER"]
    assert users[-1] > last_run


def test_its_entry_point_is_a_command_of_the_distribution(dockerfile):
    scripts = {script.name for script in metadata.distribution("ser-tfx").entry_points}
    assert set(re.findall(r'"([^"]+)"', _values(dockerfile, "ENTRYPOINT")[-1])) <= scripts


def test_its_bytecode_is_never_looked_up_by_time(dockerfile):
    # Layers and volumes change times; Python would then compile again at each start.
    compiled = re.findall(r"compileall ([^&|;]+)", " && ".join(_values(dockerfile, "RUN")))
    assert len(compiled) == 2
    assert all("--invalidation-mode unchecked-hash" in words for words in compiled)
    assert set(re.findall(r"\$\{SITE\}/(\w+)", compiled[1])) == PACKAGES
