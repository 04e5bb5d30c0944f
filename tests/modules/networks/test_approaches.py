"""The transfer approaches: which groups they mean, in networks of any number of groups."""

import subprocess
import sys

import pytest
from tiny_encoders import random_encoder
from tiny_networks import whisper_spec

from modules.networks.approaches import APPROACHES, PAPER_APPROACHES, first_alike, resolve
from modules.networks.registry import NetworkSpec
from schemas.errors import UserError

# Written out from the paper's section 3.3, for conv1, conv2, lstm, dense: frozen (f),
# re-initialised (r), tuned (t); None where the network has nothing that the approach is about.
FATES = {
    "A1": "ffff",
    "A2": "tttt",
    "A3": "fttt",
    "A4": "fftt",
    "A5": "ffft",
    "A6": "frrr",
    "A7": "ffrr",
    "A8": "fffr",
    "conv1-only": "tfff",
    "convs-only": "ttff",
    "lstm-only": "fftf",
    "A2-L2SP": "tttt",
    "A2-unfrozen": None,
}
WORDS = {"f": "frozen", "r": "re-initialised", "t": "tuned"}


def groups(*names):
    return dict.fromkeys(names, ())


def fates(approach, *names):
    return list(resolve(approach, groups(*names)).fates.values())


def test_every_approach_is_the_papers_or_literatures():
    assert APPROACHES.keys() == FATES.keys()
    assert PAPER_APPROACHES == ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8")
    assert all(approach.summary for approach in APPROACHES.values())


@pytest.mark.parametrize(("name", "expected"), [own for own in FATES.items() if own[1]])
def test_approaches_on_the_papers_network(name, expected):
    own = NetworkSpec(front_end="waveform", preset="fast", outputs=6).groups
    assert list(own) == ["conv1", "conv2", "lstm", "dense"]
    adaptation = resolve(name, own)
    assert list(adaptation.fates.values()) == [WORDS[letter] for letter in expected]
    frozen = [group for group, letter in zip(own, expected, strict=True) if letter == "f"]
    assert list(adaptation.frozen) == frozen
    lowest = list(own)[: len(frozen)]
    assert list(adaptation.prefix) == (lowest if frozen == lowest else [])
    assert adaptation.has_new_head == expected.endswith("r")
    assert adaptation.fine_tuned == (name != "A1")
    assert adaptation.l2_sp == (0.01 if name == "A2-L2SP" else 0.0)


def test_positions_mean_the_same_in_other_networks():
    # Two groups, as of a front end that is one piece, and its dense layers.
    assert fates("A3", "front", "head") == ["frozen", "tuned"]
    assert fates("A5", "front", "head") == ["frozen", "tuned"]
    assert fates("A8", "front", "head") == ["frozen", "re-initialised"]
    # Five groups: what is below the last one, and what is above the second.
    assert fates("A5", *"abcde") == ["frozen"] * 4 + ["tuned"]
    assert fates("A7", *"abcde") == ["frozen"] * 2 + ["re-initialised"] * 3
    assert fates("lstm-only", *"abcde") == ["frozen"] * 2 + ["tuned"] + ["frozen"] * 2


# The same where a front end holds the first groups, as they came, of four; None: nothing is left
# to learn.
FATES_OF_HELD = {
    "A1": ("ffff", "ffff"),
    "A2": ("fttt", "fftt"),
    "A3": ("fttt", "fftt"),
    "A4": ("fftt", "fftt"),
    "A5": ("ffft", "ffft"),
    "A6": ("frrr", "ffrr"),
    "A7": ("ffrr", "ffrr"),
    "A8": ("fffr", "fffr"),
    "conv1-only": (None, None),
    "convs-only": ("ftff", None),
    "lstm-only": ("fftf", "fftf"),
    "A2-L2SP": ("fttt", "fftt"),
    # The last held one learns, whichever it is.
    "A2-unfrozen": ("tttt", "fttt"),
}


@pytest.mark.parametrize("held", [1, 2])
@pytest.mark.parametrize("name", APPROACHES)
def test_approaches_on_networks_that_hold_groups(name, held):
    spec = whisper_spec(random_encoder(), blocks=held, pooled=(held,))
    own = spec.groups if held == 2 else {"block1": (), "b": (), "c": (), "dense": ()}
    assert list(own)[:held] == list(spec.held)
    expected = FATES_OF_HELD[name][held - 1]
    if expected is None:
        with pytest.raises(UserError, match=f"approach {name} .* leaves nothing to learn: .*hold"):
            resolve(name, own, held=spec.held)
        return
    adaptation = resolve(name, own, held=spec.held)
    assert list(adaptation.fates.values()) == [WORDS[letter] for letter in expected]
    frozen = [group for group, letter in zip(own, expected, strict=True) if letter == "f"]
    assert list(adaptation.frozen) == frozen
    assert adaptation.has_new_head == expected.endswith("r")
    assert adaptation.fine_tuned == (name != "A1")


def test_approaches_that_come_to_the_same_are_told_by_the_first():
    held = ("block1", "block2")
    own = groups(*held, "pooling", "dense")
    # By the table above: equal rows, but for L2-SP, and for A1 without any training.
    alike = {"A3": "A2", "A4": "A2", "A7": "A6"}
    for name in APPROACHES:
        if FATES_OF_HELD[name][1]:
            assert first_alike(name, own, held=held) == alike.get(name, name)
    # The paper's network tells all of them apart.
    for name, letters in FATES.items():
        if letters:
            assert first_alike(name, groups("conv1", "conv2", "lstm", "dense")) == name
    with pytest.raises(UserError, match="more layer groups than a, b"):
        first_alike("A4", groups(*"ab"))


def test_unfreezing_where_nothing_is_held():
    with pytest.raises(UserError, match=r"A2-unfrozen .* is for front ends that hold .* none"):
        resolve("A2-unfrozen", groups(*"abcd"))


@pytest.mark.parametrize(
    ("approach", "names"),
    [
        ("A4", "ab"),
        ("A7", "ab"),
        ("convs-only", "ab"),
        ("lstm-only", "abc"),
        ("A3", "a"),
        ("A8", "a"),
    ],
)
def test_too_few_groups(approach, names):
    message = f"approach {approach} .* needs a network of more layer groups than {', '.join(names)}"
    with pytest.raises(UserError, match=message):
        resolve(approach, groups(*names))


def test_unknown_approach():
    with pytest.raises(UserError, match=r"there is no approach A9; there are A1, .*, auto"):
        resolve("A9", groups(*"abcd"))


def test_names_are_asked_without_loading_keras():
    code = (
        "import sys; from modules.networks import approaches, registry;"
        "print([name for name in ('keras', 'numpy', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
