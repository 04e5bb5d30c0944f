import dataclasses

import pytest
from many_clips import clip

from corpora import folds, manifest
from corpora.manifest import Manifest
from schemas import labels
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet
from schemas.utterance import Utterance

HEADER = "path,domain,speaker,emotion"


def test_written_and_read_is_the_same(tmp_path):
    clips = folds.assign(
        [clip(i) for i in range(20)]
        + [clip(20, utterance_id='d/"x", ü', start_s=0.25, end_s=1.0, gender="female")],
        seed=0,
    )
    written = Manifest(utterances=clips, labels=LabelSet.parse("paper+neutral+rude"))
    path = tmp_path / "deep" / "manifest.csv"
    manifest.write(written, path)
    assert manifest.read(path) == written
    before = path.read_bytes()
    manifest.write(written, path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["manifest.csv"]
    assert before.splitlines()[0].decode().split(",") == [
        *(field.name for field in dataclasses.fields(Utterance)),
        "label_set",
    ]


def test_paths_are_relative_to_the_manifest(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(f"{HEADER}\nsub/a.wav,d,s,anger\n../b.wav,d,s,anger\n/c.wav,d,s,fear\n")
    assert [clip.path for clip in manifest.read(path).utterances] == [
        f"{tmp_path}/sub/a.wav",
        f"{tmp_path.parent}/b.wav",
        "/c.wav",
    ]


def test_a_spreadsheets_byte_order_mark_and_spaces_are_accepted(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(
        "\ufeffpath, domain ,speaker,emotion\r\na.wav,d, s ,Anger\r\n", encoding="utf-8"
    )
    (only,) = manifest.read(path).utterances
    assert (only.speaker, only.emotion) == ("s", "anger")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column path, domain, speaker, emotion"),
        ("path|domain|speaker|emotion\n", "has no column path, .* separated by commas"),
        ("path,domain,emotion\n", "has no column speaker"),
        (f"{HEADER}\n", "has no utterance"),
        (f"{HEADER}\na.wav,d,s,angre\n", "line 2: emotion `angre` is unknown; allowed.*neutral"),
        (f"{HEADER}\na.wav,d,s,neutral\n", "m.csv: a label set needs at least two labels"),
        (
            f"{HEADER},label_set\na.wav,d,s,anger,anger|fear\nb.wav,d,s,rude,anger|fear\n",
            "line 3: emotion `rude` is not in the manifest's set, .*label_set: anger, fear;",
        ),
        (
            f"{HEADER},label_set\na.wav,d,s,anger,anger|fear\nb.wav,d,s,anger,anger|sadness\n",
            r"line 3: label_set is `anger\|sadness`, but `anger\|fear` in line 2",
        ),
        (
            f"{HEADER},label_set\na.wav,d,s,anger,anger|fear\nb.wav,d,s,anger,\n",
            "line 3: label_set is ``, but",
        ),
        (f"{HEADER},label_set\na.wav,d,s,anger,anger\n", "line 2: label_set `anger`: .* two"),
        (f"{HEADER},label_set\na.wav,d,s,anger,anger|hap\n", "line 2: .*write `happiness`"),
        (f"{HEADER}\na.wav,d,,anger\n", "line 2: `speaker` is empty"),
        (f"{HEADER}\na.wav,d,s,anger,1\n", "line 2: has more values than the 4 columns"),
        (f"{HEADER}\na.wav,d/e,s,anger\n", "line 2: domain `d/e`"),
        (f"{HEADER}\na.wav,d,s,anger\nb.wav,d,s,fear\na.wav,d,s,fear\n", "line 4: .* as line 2"),
        (f"{HEADER},gender\na.wav,d,s,anger,f\n", "line 2: gender `f`.* female, male, empty"),
        (f"{HEADER},start_s\na.wav,d,s,anger,x\n", "line 2: `start_s` must be a number"),
        (f"{HEADER},start_s\na.wav,d,s,anger,nan\n", "line 2: `start_s` must be at least 0"),
        (f"{HEADER},start_s,end_s\na.wav,d,s,anger,2,1\n", "line 2: `end_s` 1 is not after"),
        (f"{HEADER},fold_random\na.wav,d,s,anger,5\n", "line 2: `fold_random` must be 0 to 4"),
        (f"{HEADER},fold_random\na.wav,d,s,anger,1.5\n", "must be a whole number"),
    ],
)
def test_bad_rows_are_named_with_their_line(tmp_path, text, message):
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        manifest.read(path)
    assert str(path) in str(error.value)


def test_what_is_no_manifest_is_said(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        manifest.read(tmp_path / "no.csv")
    (tmp_path / "bin.csv").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="UTF-8"):
        manifest.read(tmp_path / "bin.csv")
    (tmp_path / "nul.csv").write_bytes(bytes(range(100)))
    with pytest.raises(UserError, match="binary"):
        manifest.read(tmp_path / "nul.csv")


@pytest.mark.parametrize(
    ("emotions", "expected"),
    [
        (("anger", "Sad"), PAPER),
        (("HAP", "neutral", "bored", "ang"), LabelSet.parse("anger,happiness,neutral,boredom")),
    ],
)
def test_without_a_column_the_set_is_inferred(tmp_path, emotions, expected):
    path = tmp_path / "m.csv"
    rows = "".join(f"{i}.wav,d,s,{emotion}\n" for i, emotion in enumerate(emotions))
    path.write_text(f"{HEADER}\n{rows}")
    found = manifest.read(path)
    assert found.labels == expected
    assert [clip.emotion for clip in found.utterances] == [*map(labels.canonical, emotions)]


def test_the_order_of_the_set_is_the_files(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(f"{HEADER},label_set\na.wav,d,s,urgent,urgent|neutral|anger\n")
    assert manifest.read(path).labels.labels == ("urgent", "neutral", "anger")


def test_a_manifest_holds_its_set_only_and_names_its_domains():
    with pytest.raises(ValueError, match="d/10: fear is not among anger, neutral"):
        Manifest(utterances=[clip(0), clip(10)], labels=LabelSet(("anger", "neutral")))
    assert Manifest.of([clip(0, domain="z"), clip(1, domain="b")]).domains == ("b", "z")


def _digest(clips, label_set=PAPER):
    return manifest.digest(Manifest(utterances=clips, labels=label_set))


def test_digest_follows_content_and_not_place_or_order():
    clips = [clip(i) for i in range(3)]
    digest = _digest(clips)
    # What it was before there were label sets: stored results are found by it.
    assert digest == "b2022716691b217a830119b47cdd9f6f506d664b654f4102fdcf6498edaf9f34"
    assert _digest(clips[::-1]) == digest
    assert _digest([dataclasses.replace(c, path="/else" + c.path) for c in clips]) == digest
    sets = [LabelSet(("anger", "fear")), LabelSet(("fear", "anger"))]
    assert len({digest, *(_digest(clips, label_set) for label_set in sets)}) == 3
    changes = {
        "utterance_id": "d/x",
        "domain": "e",
        "speaker": "x",
        "emotion": "sadness",
        "language": "de",
        "gender": "male",
        "start_s": 0.5,
        "end_s": 0.5,
        "sha256": "00",
        "fold_random": 2,
        "fold_speaker_independent": 2,
    }
    digests = {
        _digest([clips[0], clips[1], dataclasses.replace(clips[2], **{name: value})])
        for name, value in changes.items()
    }
    assert len(digests | {digest}) == len(changes) + 1
