"""Label sets and mappings of an index; counted by hand."""

import json

import pytest

from corpora.indexing.index import index
from schemas.errors import UserError
from schemas.labels import LabelSet


@pytest.fixture
def write_csv(tmp_path, write_tone):
    """Writes a CSV of domain `calls` with a row and a recording for each of the words."""

    def write(words, name="calls"):
        rows = "".join(f"{i}.wav,{name},s{i % 5},{word}\n" for i, word in enumerate(words))
        for i in range(len(words)):
            write_tone(tmp_path / f"{i}.wav")
        file = tmp_path / f"{name}.csv"
        file.write_text("path,domain,speaker,emotion\n" + rows)
        return "csv", file

    return write


def emotions(result):
    """Returns file to the label with which it is used."""
    return {int(clip.utterance_id.split("/")[1]): clip.emotion for clip in result.utterances}


def test_what_is_not_in_the_set_is_skipped_by_its_label_and_counted(write_csv):
    source = write_csv(["ANG", "happy", "neu", "neutral", "Calm", "ps"])
    result = index([source])
    assert emotions(result) == {0: "anger", 1: "happiness", 5: "surprise"}
    assert result.reasons("calls", "skipped") == {"neutral": 2, "calm": 1}
    result = index([source], label_set=LabelSet.parse("anger,neutral"))
    assert emotions(result) == {0: "anger", 2: "neutral", 3: "neutral"}
    assert result.reasons("calls", "skipped") == {"calm": 1, "happiness": 1, "surprise": 1}
    assert result.manifest.labels.labels == ("anger", "neutral")


def test_words_of_ones_own_are_used_if_the_set_names_them(write_csv):
    source = write_csv(["Rude", "rude", "urgent", "sad"])
    result = index([source], label_set=LabelSet.parse("rude,urgent"))
    assert emotions(result) == {0: "rude", 1: "rude", 2: "urgent"}
    assert result.reasons("calls", "skipped") == {"sadness": 1}


def test_all_unknown_words_are_told_at_once_with_counts(write_csv):
    source = write_csv(["anger", "hapy", "hapy", "xxx", "rude", "neutral", "sad"])
    with pytest.raises(UserError) as error:
        index([source], label_set=LabelSet.parse("paper+rude"))
    message = str(error.value)
    assert "corpus csv: unknown emotions: `hapy` (2), `xxx` (1); known are anger," in message
    assert "frustration, other, rude and usual spellings" in message
    assert "--label csv.hapy=LABEL" in message
    assert "--label csv.hapy=skip" in message
    assert "name it in --emotions" in message


def test_a_mapping_takes_the_corpus_own_word_before_what_it_usually_stands_for(write_csv):
    source = write_csv(["hap", "happy", "XXX", "q", "ang"])
    result = index(
        [source],
        words={"csv": {"hap": "surprise", "happiness": "sad", "xxx": "skip", "Q": "FEA"}},
    )
    # `hap` is mapped itself, `happy` only as the label that it stands for.
    assert emotions(result) == {0: "surprise", 1: "sadness", 3: "fear", 4: "anger"}
    assert result.reasons("calls", "skipped") == {"xxx": 1}
    assert result.unmet_labels == []
    (source,) = result.sources
    assert source.words == {"hap": "surprise", "happiness": "sadness", "xxx": "skip", "q": "fear"}
    assert source.label_set == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]


def test_a_mapped_word_that_no_clip_has_is_remembered(write_csv):
    result = index([write_csv(["ang", "fear"])], words={"csv": {"hap": "happiness"}})
    assert result.unmet_labels == [("csv", "hap")]


@pytest.mark.parametrize(
    ("emotions", "words", "message"),
    [
        (
            "anger,fear",
            {"csv": {"hap": "joy"}},
            "csv.hap=joy: happiness is not in the label set; al",
        ),
        (
            "paper",
            {"csv": {"hap": "fear", "HAP": "anger"}},
            "csv.HAP=anger: .* also mapped to fear",
        ),
        ("paper", {"emodb": {"x": "fear"}}, r"label emodb.x: corpus emodb is not among .* \(csv\)"),
        (
            "paper+contempt",
            {},
            r"no clip is labelled contempt; .*have anger \(2\), neutral \(1\); l",
        ),
        ("anger,fear", {}, "no clip is labelled fear"),
        ("paper+rude", {"csv": {"anger": "rude"}}, ""),
    ],
)
def test_what_cannot_be_is_named(write_csv, emotions, words, message):
    source = write_csv(["anger", "angry", "neutral"])
    if not message:
        # The paper's six need no clip each: most corpora have a part of them.
        assert len(index([source], label_set=LabelSet.parse(emotions), words=words).utterances) == 2
        return
    with pytest.raises(UserError, match=message):
        index([source], label_set=LabelSet.parse(emotions), words=words)


# Numbers of labels in a full copy, divided by about a hundred.
IEMOCAP = {"ang": 11, "hap": 6, "exc": 10, "sad": 11, "neu": 17, "fru": 18, "xxx": 25, "sur": 1}


def test_the_four_classes_of_the_iemocap_literature(tmp_path, write_tone):
    turns = [code for code, count in IEMOCAP.items() for _ in range(count)]
    for session in range(1, 6):
        name = f"Ses0{session}F_impro01"
        lines = []
        for i, code in enumerate(turns[session - 1 :: 5]):
            turn = f"{name}_{'FM'[i % 2]}{i:03d}"
            write_tone(tmp_path / f"Session{session}/sentences/wav/{name}/{turn}.wav")
            lines.append(f"[{i}.0 - {i}.5]\t{turn}\t{code}\t[2.5, 2.5, 2.5]\n")
        labels = tmp_path / f"Session{session}/dialog/EmoEvaluation/{name}.txt"
        labels.parent.mkdir(parents=True)
        labels.write_text("".join(lines))
    result = index(
        [("iemocap", tmp_path)],
        label_set=LabelSet.parse("anger,happiness,sadness,neutral"),
        words={"iemocap": {"excitement": "happiness"}},
    )
    counts = dict.fromkeys(result.labels, 0)
    for clip in result.utterances:
        counts[clip.emotion] += 1
    assert counts == {"anger": 11, "happiness": 6 + 10, "sadness": 11, "neutral": 17}
    skipped = result.reasons("iemocap", "skipped")
    assert skipped == {
        "annotators disagree": 25,
        "frustration": 18,
        "not a recording (.txt)": 5,
        "surprise": 1,
    }
    written = result.write(tmp_path / "m.csv")
    (source,) = json.loads(written["sources"].read_text())["sources"]
    assert source["words"] == {"excitement": "happiness"}
    assert source["label_set"] == ["anger", "happiness", "sadness", "neutral"]
