"""Table 1: small manifests counted by hand; the paper's numbers are those it prints."""

import collections

import pytest

from corpora import manifest, summary, synthetic
from corpora.indexing.index import index
from corpora.manifest import Manifest, sources
from schemas.labels import PAPER_EMOTIONS, LabelSet
from schemas.utterance import Utterance


def clip(number, **changes):
    values = {
        "utterance_id": f"emodb/{number}",
        "path": f"/data/{number}.wav",
        "domain": "emodb",
        "speaker": f"{number % 10:02}",
        "emotion": PAPER_EMOTIONS[number % 5],
        "language": "de",
        "elicitation": "acted",
        "duration_s": 2.0,
        "sample_rate_hz": 16_000,
    }
    return Utterance(**{**values, **changes})


def emodb(num_long):
    """A full copy, of which `num_long` clips are longer than the network's input."""
    return [clip(i, duration_s=3.375001 if i < num_long else 3.375) for i in range(375)]


def only(utterances, **arguments):
    (result,) = summary.summarise(Manifest.of(utterances), **{"over_length": "drop", **arguments})
    return result


def test_what_is_counted():
    clips = [
        clip(0, duration_s=1.0),
        clip(1, duration_s=2.0, speaker="b", language="it"),
        clip(2, duration_s=6.0, speaker="b", sample_rate_hz=48_000),
        clip(3, duration_s=3.0, speaker="unknown:3"),
        clip(4, duration_s=3.0, speaker="unknown:3"),
    ]
    account = [
        manifest.Entry(path=str(i), domain="emodb", status=status)
        for i, status in enumerate(["used"] * 5 + ["skipped"] * 3 + ["unreadable"] * 2)
    ] + [manifest.Entry(path="x", domain="other", status="used")]
    result = only(clips, account=account)
    assert (result.found, result.used, result.skipped, result.unreadable) == (10, 5, 3, 2)
    assert (result.clips, result.over_length, result.undecodable) == (4, 1, 0)
    assert (result.speakers, result.unknown_speakers) == (2, 2)
    assert (result.languages, result.language) == (["de", "it"], "several")
    assert result.rates_hz == {16_000: 4, 48_000: 1}
    assert (result.total_min, result.median_s, result.longest_s) == (0.25, 3.0, 6.0)
    assert [result.emotions[emotion] for emotion in PAPER_EMOTIONS] == [1, 1, 0, 1, 1, 0]
    assert only(clips, over_length="truncate").clips == 5
    assert only(clips).found is None


def test_the_paper_s_number_and_why_it_is_reached():
    notes = only(emodb(88)).notes
    assert notes == ["88 of 375 are longer than 3.375 s: 287 left, the paper's number"]


def test_a_difference_is_explained():
    clips = [clip(i, duration_s=2.0 + i / 100) for i in range(375)]  # 2.00, 2.01, …, 5.74
    notes = only(clips).notes
    # 138 clips last 3.375 s at most; the 287th is that of number 286.
    assert notes[0] == (
        "237 of 375 are longer than 3.375 s: 138 left; that is -149 against the paper's 287"
    )
    assert notes[1].startswith("other selections: 375 with over_length truncate, not measured")
    assert notes[2] == "a cap of 4.860 s would leave 287"
    assert len(notes) == 3


def test_a_longer_input_cuts_fewer():
    clips = [clip(i, duration_s=2.0 + i / 100) for i in range(375)]  # 2.00, 2.01, …, 5.74
    # 74 clips last more than 5 s.
    result = only(clips, over_length="truncate", input_s=5.0)
    assert (result.clips, result.over_length) == (375, 74)
    assert result.notes[0] == (
        "74 of 375 are longer than 5 s: cut, not left out; that is +88 against the paper's 287"
    )
    notes = only(clips, over_length="truncate", input_s=10.0).notes
    assert notes[0] == "0 of 375 are longer than 10 s; that is +88 against the paper's 287"


def test_durations_after_trimming_decide_if_they_are_given():
    clips = emodb(95)
    trimmed_s = {clip.utterance_id: clip.duration_s for clip in clips}
    trimmed_s |= {f"emodb/{i}": 3.0 for i in range(7)}
    result = only(clips, trimmed_s=trimmed_s)
    assert (result.clips, result.over_length) == (287, 88)
    assert result.notes == [
        "88 of 375 are longer than 3.375 s after trimming: 287 left, the paper's number"
    ]
    trimmed_s["emodb/300"] = None
    result = only(clips, trimmed_s=trimmed_s)
    assert (result.clips, result.undecodable) == (286, 1)
    assert result.notes[0] == "1 clips are damaged: AudioExampleGen will quarantine"
    assert "other selections: 375 with over_length truncate, 280 with drop" in result.notes


def test_an_incomplete_copy_is_told():
    assert (
        "this copy has 300 clips of the six emotions, a full one 375"
        in only([clip(i) for i in range(300)]).notes
    )


def emovo(number, **changes):
    values = {"domain": "emovo", "language": "it", "emotion": PAPER_EMOTIONS[number % 6]}
    return clip(number, **{**values, "sample_rate_hz": 48_000, **changes})


def test_fewer_emotions_are_offered_as_an_explanation_only_where_all_are_as_many():
    balanced = [emovo(i) for i in range(504)]  # 6 emotions of 84
    hint = "336 is also 4 of the 6 emotions at 84 clips each"
    assert any(note.startswith(hint) for note in only(balanced).notes)
    uneven = [emovo(0, emotion="fear"), *balanced[1:]]
    assert not any("of the 6 emotions" in note for note in only(uneven).notes)


@pytest.mark.parametrize(
    ("rate_hz", "reason"),
    [
        (
            16_000,
            "the recordings are at 16 kHz (as the corpus is distributed), the paper prints 48 kHz",
        ),
        (
            22_050,
            "the recordings are at 22.05 kHz (this copy was resampled, the corpus is distributed"
            " at 16 kHz), the paper prints 48 kHz",
        ),
    ],
)
def test_rates_are_explained(rate_hz, reason):
    clips = [clip(i, domain="iemocap", language="en", sample_rate_hz=rate_hz) for i in range(5)]
    assert reason in only(clips).notes


def test_language_and_elicitation_are_compared():
    notes = only([clip(0, domain="rml", language="", elicitation="natural")]).notes
    assert (
        "language unknown, the paper says several: the names in this copy do not tell it" in notes
    )
    assert "elicitation natural, the paper says induced" in notes


def test_corpora_of_the_paper_come_first_and_others_are_said_not_to_be_in_it():
    clips = [clip(i, domain=name) for i, name in enumerate(["calls", "rml", "afew", "a"])]
    found = summary.summarise(Manifest.of(clips), over_length="drop")
    assert [each.domain for each in found] == ["afew", "rml", "a", "calls"]
    assert [each.notes for each in found[2:]] == [["not in the paper"]] * 2


def test_an_account_of_another_index_is_told():
    account = [manifest.Entry(path="a", domain="emodb", status="used")]
    assert any(
        note == "the account beside the manifest is of another index: 1 used there, 2 here"
        for note in only([clip(0), clip(1)], account=account).notes
    )


def test_synthetic_speech_is_not_compared_with_the_paper(tmp_path):
    (tmp_path / synthetic.STAMP).write_text("{}")
    result = only([clip(0, path=f"{tmp_path}/emodb/wav/a.wav")])
    assert result.synthetic
    assert result.notes == ["synthetic speech: says nothing about the real corpus or the paper"]


def test_options_are_repeated(tmp_path):
    source = sources.Source(
        corpus="iemocap",
        folder="/data",
        licence="",
        citation="",
        elicitation="",
        language="",
        found=0,
        used=0,
        skipped=0,
        unreadable=0,
        domains=["iemocap"],
        options={"some": "choice"},
        label_set=["anger", "happiness"],
        words={"excitement": "happiness"},
        synthetic=False,
    )
    notes = only([clip(0, domain="iemocap")], sources=[source]).notes
    assert "option iemocap.some=choice" in notes
    assert "label iemocap.excitement=happiness" in notes


def test_other_labels_than_the_paper_s_are_counted_and_not_compared_with_its_numbers():
    clips = [clip(i, emotion=("anger", "neutral")[i % 2]) for i in range(4)] + [clip(4)]
    label_set = LabelSet.parse("paper+neutral")
    (result,) = summary.summarise(Manifest(utterances=clips, labels=label_set), over_length="drop")
    assert tuple(result.emotions) == label_set.labels
    assert (result.emotions["anger"], result.emotions["neutral"]) == (2, 2)
    assert result.notes == [
        "3 of the 5 clips are of the paper's six emotions; its number is of those alone"
    ]


def test_the_numbers_are_those_of_the_paper_s_table_1():
    assert {name: paper.clips for name, paper in summary.PAPER.items()} == {
        "afew": 568,
        "emodb": 287,
        "emovo": 336,
        "enterface": 1_047,
        "iemocap": 1_770,
        "rml": 650,
    }


@pytest.mark.real
def test_real_corpora_as_recorded(real_corpora):
    found = index([(name, real_corpora / name) for name in ("emodb", "emovo")])
    german, italian = summary.summarise(
        found.manifest, over_length="drop", account=found.account, sources=found.sources
    )
    assert (german.found, german.used, german.clips) == (535, 375, 280)
    assert (italian.found, italian.used, italian.clips) == (588, 504, 322)
    for result in (german, italian):
        short = [
            clip.emotion
            for clip in found.utterances
            if clip.domain == result.domain and clip.duration_s <= 3.375
        ]
        assert {emotion: count for emotion, count in result.emotions.items() if count} == dict(
            collections.Counter(short)
        )
