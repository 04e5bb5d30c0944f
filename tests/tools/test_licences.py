"""The check of licences, on texts as packages write them, and on the lock files of the project."""

from pathlib import Path

import licences
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("MIT", {"MIT"}),
        ("Apache Software License", {"Apache-2.0"}),
        ("LGPL-2.1-or-later", {"LGPL"}),
        ("GNU Lesser General Public License v3 or later (LGPLv3+)", {"LGPL"}),
        ("GPL-3.0-or-later", {"GPL"}),
        ("GNU General Public License v3 (GPLv3)", {"GPL"}),
        ("AGPLv3", {"AGPL"}),
        ("GNU Affero General Public License v3", {"AGPL"}),
        ("CC-BY-NC-4.0", {"non-commercial"}),
        ("GPL-2.0-only OR MIT", {"MIT"}),
        ("MIT AND GPL-2.0-only", {"MIT", "GPL"}),
        ("Do as you like", {"unknown"}),
        ("", {"unknown"}),
    ],
)
def test_a_licence_is_recognised_as_packages_write_it(text, kinds):
    assert licences.kinds(text) == kinds


def test_a_banned_package_and_an_unknown_one_are_told_and_others_are_not():
    stated = {"a": "MIT", "b": "AGPLv3", "c": "", "elsewhere": "GPL-3.0-only"}
    told = list(licences.faults({"a", "b", "c", "not-installed"}, stated))
    assert [line.partition(":")[0] for line in told] == ["b", "c"]


def test_the_default_install_lacks_what_the_extras_name():
    default = set().union(*(licences.names(ROOT / lock) for lock in licences.DEFAULT_LOCKS))
    extras = licences.names(ROOT / "requirements-extras.lock")
    assert {"iso-639", "espeakng-loader"} <= extras - default
    assert "tensorflow" in default
