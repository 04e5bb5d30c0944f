"""Fingerprints survive what happens to copies, and tell distinct sounds apart."""

import io
import itertools

import numpy as np
import pytest
import scipy.signal
import scipy.sparse
import soundfile
from speechlike import RATE_HZ, sound

from corpora.audit import fingerprint
from corpora.audit.fingerprint import Fingerprint


@pytest.fixture(scope="module")
def sounds():
    return [sound(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def prints(sounds):
    return [fingerprint.fingerprint(samples, RATE_HZ) for samples in sounds]


def coded(samples, format):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format=format)
    file.seek(0)
    return soundfile.read(file, dtype="float32")


def pcm16(samples):
    return np.round(samples * 32_767) / 32_768


ALTERED = {
    "the same": lambda x: (x, RATE_HZ),
    "8 kHz": lambda x: (scipy.signal.resample_poly(x, 1, 2), 8_000),
    "44.1 kHz": lambda x: (scipy.signal.resample_poly(x, 441, 160), 44_100),
    "48 kHz": lambda x: (scipy.signal.resample_poly(x, 3, 1), 48_000),
    "30 dB less": lambda x: (pcm16(0.03 * x), RATE_HZ),
    "inverted": lambda x: (-x, RATE_HZ),
    "MP3": lambda x: coded(x, "MP3"),
    "Ogg": lambda x: coded(x, "OGG"),
    "padded": lambda x: (np.pad(x, (3_333, 5_000)), RATE_HZ),
    "ends cut": lambda x: (x[5_001:-5_000], RATE_HZ),
    "noisy": lambda x: (x + np.random.default_rng(0).normal(0, 0.003, len(x)), RATE_HZ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_copies_are_found_and_nothing_else(name, sounds, prints):
    copies = [fingerprint.fingerprint(*ALTERED[name](samples)) for samples in sounds]
    matches = fingerprint.search([*prints, *copies])
    expected = [(i, i + len(sounds)) for i in range(len(sounds))]
    assert [(match.first, match.second) for match in matches] == expected


def test_distinct_sounds_differ_in_a_third_of_the_bits_at_any_shift(prints):
    for first, second in itertools.combinations(prints, 2):
        for shift in range(-120, 121, 3):
            rate, frames = fingerprint.bit_error_rate(first, second, shift)
            assert rate > 0.33 or frames < 25


@pytest.mark.parametrize("padding_s", [0.5, 0.25])
def test_a_match_tells_shift_and_overlap(padding_s, sounds, prints):
    later = fingerprint.fingerprint(np.pad(sounds[0], (round(padding_s * RATE_HZ), 0)), RATE_HZ)
    (match,) = fingerprint.search([later, prints[0]])
    assert match.shift_s == pytest.approx(padding_s, abs=fingerprint.HOP_S)
    assert match.overlap_s == pytest.approx(2.5, abs=0.5)
    (match,) = fingerprint.search([prints[0], later])
    assert match.shift_s == pytest.approx(-padding_s, abs=fingerprint.HOP_S)


def test_a_part_of_a_longer_recording_is_found(sounds, prints):
    joined = fingerprint.fingerprint(np.concatenate(sounds[3:6]), RATE_HZ)
    matches = fingerprint.search([*prints, joined])
    assert [(match.first, match.second) for match in matches] == [(3, 12), (4, 12), (5, 12)]
    assert [match.shift_s for match in matches] == pytest.approx([0, -2.5, -5], abs=0.02)


def test_all_of_many_copies_are_one_group(sounds, prints):
    generator = np.random.default_rng(0)
    copies = [
        fingerprint.fingerprint(sounds[0] * gain + generator.normal(0, 0.001, 40_000), RATE_HZ)
        for gain in np.linspace(0.1, 1, 60)
    ]
    matches = fingerprint.search([*copies, *prints[1:]])
    groups = list(fingerprint.groups((match.first, match.second) for match in matches))
    assert groups == [list(range(60))]


def random_fingerprint(seed, num_frames=100):
    bits = np.random.default_rng(seed).integers(0, 2**32, num_frames, dtype=np.uint32)
    return Fingerprint(bits, np.ones(num_frames, bool))


def test_bit_error_rate_counts_bits_where_both_are_active():
    first, other = random_fingerprint(0), random_fingerprint(1)
    expected = sum(
        (int(a) ^ int(b)).bit_count() for a, b in zip(first.bits, other.bits, strict=True)
    )
    assert fingerprint.bit_error_rate(first, other, 0) == (expected / 3_200, 100)
    flipped = first.bits.copy()
    flipped[10] ^= 0b1011
    assert fingerprint.bit_error_rate(first, Fingerprint(flipped, first.active), 0)[0] == 3 / 3_200
    quiet = first.active.copy()
    quiet[:11] = False
    assert fingerprint.bit_error_rate(first, Fingerprint(flipped, quiet), 0) == (0, 89)


def test_bit_error_rate_at_a_shift():
    first = random_fingerprint(0)
    second = Fingerprint(first.bits[30:], first.active[30:])
    assert fingerprint.bit_error_rate(first, second, 30) == (0, 70)
    assert fingerprint.bit_error_rate(second, first, -30) == (0, 70)
    assert fingerprint.bit_error_rate(first, second, 29)[0] == pytest.approx(0.5, abs=0.05)
    assert fingerprint.bit_error_rate(first, second, 100) == (1, 0)
    assert fingerprint.bit_error_rate(first, second, -70) == (1, 0)


@pytest.mark.parametrize("num_samples", [1, 10, 800, 3_071])
def test_short_recordings_have_fingerprints_that_match_nothing(num_samples, prints):
    short = fingerprint.fingerprint(sound(0)[:num_samples], RATE_HZ)
    assert len(short.bits) == len(short.active) <= 2
    assert fingerprint.search([short, short, prints[5]]) == []


def test_silence_has_no_fingerprint(prints):
    silence = fingerprint.fingerprint(np.zeros(40_000), RATE_HZ)
    assert len(silence.bits) == 0
    assert silence.active_s == 0
    assert fingerprint.search([silence, silence, prints[0]]) == []
    assert fingerprint.search([]) == []


def test_background_is_not_active():
    quiet = np.random.default_rng(0).normal(0, 1e-4, 32_000)
    around = np.concatenate([quiet, sound(1), quiet])
    # The window of 256 ms and the lag of 128 ms may count the ends longer by so much.
    assert fingerprint.fingerprint(around, RATE_HZ).active_s == pytest.approx(2.5, abs=0.3)


def test_groups_are_connected_components():
    edges = np.random.default_rng(0).integers(0, 60, (40, 2))
    graph = scipy.sparse.coo_matrix((np.ones(40), edges.T), shape=(60, 60))
    _, labels = scipy.sparse.csgraph.connected_components(graph, directed=False)
    nodes = sorted(set(edges.ravel().tolist()))
    expected = {tuple(n for n in nodes if labels[n] == label) for label in labels[nodes]}
    found = list(fingerprint.groups(edges.tolist()))
    assert {tuple(group) for group in found} == expected
    assert found == sorted(found)


def test_ravdess_has_one_pair_of_identical_takes_in_its_seventh_actor(real_corpora):
    folder = real_corpora / "ravdess" / "Audio_Speech_Actors_01-24" / "Actor_07"
    files = sorted(folder.iterdir())
    prints = [fingerprint.fingerprint(*soundfile.read(file)) for file in files]
    pairs = {(files[m.first].stem, files[m.second].stem) for m in fingerprint.search(prints)}
    assert pairs == {("03-01-03-01-02-01-07", "03-01-03-01-02-02-07")}
