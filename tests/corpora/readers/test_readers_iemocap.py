"""IEMOCAP, whose labels lie in files of their own; a session labelled and counted by hand."""

import pytest

from corpora.readers import READERS

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
ANNOTATORS = (
    "C-E2:\tNeutral;\t()\nC-F1:\tAnger;\t(cold [or] hot)\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
)
LABELS = {
    "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": {
        "Ses01F_impro01_F000": "neu",
        "Ses01F_impro01_F001": "ang",
        "Ses01F_impro01_M000": "hap",
        "Ses01F_impro01_M001": "exc",
        "Ses01F_impro01_M002": "xxx",
        "Ses01F_impro01_M003": "oth",
        "Ses01F_impro01_M004": "fru",
    },
    "Session1/dialog/EmoEvaluation/Ses01M_script01_1b.txt": {
        "Ses01M_script01_1b_F000": "sad",
        "Ses01M_script01_1b_M011": "sur",
    },
    "Session5/dialog/EmoEvaluation/Ses05M_script03_2.txt": {
        "Ses05M_script03_2_F044": "fea",
        "Ses05M_script03_2_M000": "dis",
    },
}
EXPECTED = {
    "Ses01F_impro01_F000": ("neutral", "Ses01F", "female"),
    "Ses01F_impro01_F001": ("anger", "Ses01F", "female"),
    "Ses01F_impro01_M000": ("happiness", "Ses01M", "male"),
    "Ses01F_impro01_M001": ("excitement", "Ses01M", "male"),
    "Ses01F_impro01_M002": "annotators disagree",
    "Ses01F_impro01_M003": ("other", "Ses01M", "male"),
    "Ses01F_impro01_M004": ("frustration", "Ses01M", "male"),
    "Ses01M_script01_1b_F000": ("sadness", "Ses01F", "female"),
    "Ses01M_script01_1b_M011": ("surprise", "Ses01M", "male"),
    "Ses05M_script03_2_F044": ("fear", "Ses05F", "female"),
    "Ses05M_script03_2_M000": ("disgust", "Ses05M", "male"),
}
FIRST = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"


def block(turn, label):
    return f"[6.2901 - 8.2357]\t{turn}\t{label}\t[2.5000, 2.5000, 2.5000]\n{ANNOTATORS}"


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "data" / "IEMOCAP_full_release"
    for name, turns in LABELS.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEADER + "".join(block(*turn) for turn in turns.items()))
        wavs = file.parents[2] / "sentences" / "wav" / file.stem
        wavs.mkdir(parents=True)
        for turn in turns:
            (wavs / f"{turn}.wav").touch()
    return root


def read(root):
    return list(READERS["iemocap"].read(root))


def turns(items):
    """Returns what became of each recording of a turn."""
    return {
        item.path.stem: (clip.emotion, clip.speaker, clip.gender)
        if (clip := item.utterance)
        else item.reason
        for item in items
        if item.path.suffix in (".wav", ".flac")
    }


def test_labels_speakers_and_genders(corpus):
    items = read(corpus)
    assert turns(items) == EXPECTED
    assert len(items) == len(EXPECTED) + len(LABELS)
    assert {item.reason for item in items if item.path.suffix == ".txt"} == {
        "not a recording (.txt)"
    }
    ids = {item.utterance.utterance_id for item in items if item.utterance}
    assert "iemocap/Ses01M_script01_1b_F000" in ids


@pytest.mark.parametrize(
    "inside",
    [
        "..",
        "Session1",
        "Session1/sentences",
        "Session1/sentences/wav",
        "Session1/sentences/wav/Ses01F_impro01",
    ],
)
def test_a_folder_above_or_inside_is_labelled_too(corpus, inside):
    items = read(corpus / inside)
    below = (corpus / inside).resolve()
    assert turns(items) == {
        name: label
        for name, label in EXPECTED.items()
        if next(corpus.rglob(f"{name}.wav")).is_relative_to(below)
    }
    # Nothing is said of turns that are outside.
    assert not [item for item in items if not item.path.is_relative_to(below)]


def test_a_broken_line_is_reported_and_the_others_are_used(corpus):
    file = corpus / FIRST
    lines = file.read_text().splitlines()
    assert [number for number, line in enumerate(lines) if line.startswith("[")][1:3] == [7, 12]
    lines[7] = lines[7].replace("\tang", "")
    lines[12] = lines[12].replace("hap", "joy")
    file.write_text("\n".join(lines))

    items = read(corpus)

    assert turns(items) == {
        **EXPECTED,
        "Ses01F_impro01_F001": "recording without label: not in Ses01F_impro01.txt",
        "Ses01F_impro01_M000": "recording without label: not in Ses01F_impro01.txt",
    }
    broken = [item.reason for item in items if "broken" in item.reason]
    assert [item.path for item in items if "broken" in item.reason] == [file, file]
    assert broken[0].startswith("broken line in labels: Ses01F_impro01.txt, line 8: [")
    assert "Ses01F_impro01_F001" in broken[0]
    assert broken[1].startswith("broken line in labels: Ses01F_impro01.txt, line 13: [")


def test_bytes_that_are_no_text_do_not_stop_it(corpus):
    file = corpus / FIRST
    file.write_bytes(b"\xff\xfe\x00\xd8" + file.read_bytes())
    assert turns(read(corpus)) == EXPECTED


def test_labels_and_recordings_without_each_other(corpus):
    wavs = corpus / "Session1/sentences/wav/Ses01F_impro01"
    (wavs / "Ses01F_impro01_F001.wav").unlink()
    (wavs / "Ses01F_impro01_F099.wav").touch()
    (wavs / "Ses01F_impro09_F000.wav").touch()
    (wavs / "._Ses01F_impro01_F000.wav").touch()
    (wavs / "Ses01F_laughter.wav").touch()
    (corpus / FIRST).with_name("._Ses01F_impro09.txt").write_text(
        block("Ses01F_impro09_F000", "ang")
    )

    items = read(corpus)

    expected = {**EXPECTED}
    del expected["Ses01F_impro01_F001"]
    assert turns(items) == {
        **expected,
        "Ses01F_impro01_F099": "recording without label: not in Ses01F_impro01.txt",
        "Ses01F_impro09_F000": "recording without label: no EmoEvaluation/Ses01F_impro09.txt",
        "._Ses01F_impro01_F000": "hidden file",
        "Ses01F_laughter": "name does not match IEMOCAP's pattern, like Ses01F_impro01_F000",
    }
    (missing,) = [item for item in items if item.reason.startswith("label without")]
    assert missing.path == corpus / FIRST
    assert (
        missing.reason == "label without recording: Ses01F_impro01.txt, line 8: Ses01F_impro01_F001"
    )


def test_whole_dialogues_and_single_annotators_are_left_alone(corpus):
    for name in ("wav/Ses01F_impro01.wav", "avi/DivX/Ses01F_impro01.avi"):
        file = corpus / "Session1/dialog" / name
        file.parent.mkdir(parents=True)
        file.touch()
    single = corpus / "Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt"
    single.parent.mkdir()
    single.write_text(block("Ses01F_impro01_F000", "ang"))
    items = read(corpus)
    whole = [item.reason for item in items if item.path.stem == "Ses01F_impro01"]
    dialogue = "whole dialogue; its turns are files of their own"
    assert sorted(whole) == ["not a recording (.txt)", dialogue, dialogue]
    assert turns(items) == {**EXPECTED, "Ses01F_impro01": dialogue}


def test_a_turn_with_two_labels_is_not_used(corpus):
    copy = corpus / "old" / "EmoEvaluation" / "Ses01F_impro01.txt"
    copy.parent.mkdir(parents=True)
    copy.write_text(block("Ses01F_impro01_F001", "sad") + block("Ses01F_impro01_M000", "hap"))
    expected = {**EXPECTED, "Ses01F_impro01_F001": "labelled both ang and sad"}
    assert turns(read(corpus)) == expected


def test_flac_with_the_same_stem_is_labelled_alike(corpus):
    for wav in corpus.rglob("*.wav"):
        wav.rename(wav.with_suffix(".flac"))
    assert turns(read(corpus)) == EXPECTED
