"""Small trees, labelled and counted by hand."""

import pytest

from corpora.readers import READERS
from modules.errors import UserError
from modules.features import EMOTIONS


def found_in(name, root):
    """Returns file name to (emotion, speaker, gender), or to the reason for skipping it."""
    result = {}
    for item in READERS[name].read(root):
        assert item.path.name not in result, "reported twice"
        assert (item.utterance is None) == bool(item.reason)
        clip = item.utterance
        result[item.path.name] = (clip.emotion, clip.speaker, clip.gender) if clip else item.reason
    return result


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")


EMODB = "name does not match Emo-DB's pattern, like 03a01Wa"
EMOVO = "name does not match EMOVO's pattern, like dis-f1-b1"
RAVDESS = "name does not match RAVDESS' pattern, like 03-01-05-01-01-01-01"
URDU = "name does not match URDU's pattern, like SM1_F10_A010"

TREES = {
    "emodb": {
        "wav/03a01Wa.wav": ("anger", "03", "male"),
        "wav/08a02Ea.wav": ("disgust", "08", "female"),
        "wav/09a04Ab.FLAC": ("fear", "09", "female"),
        "wav/10b01Fc.wav": ("happiness", "10", "male"),
        "wav/11b10Td.ogg": ("sadness", "11", "male"),
        "wav/12a01Na.wav": "neutral",
        "wav/13a01Lb.wav": "boredom",
        "wav/14a01Xb.wav": EMODB,
        "wav/3a01Wa.wav": EMODB,
        "wav/03a01Wa copy.wav": EMODB,
        "wav/99a01Wa.wav": "name has speaker 99, whom Emo-DB does not have",
        "wav/.DS_Store": "hidden file",
        "lablaut/03a01Wa.lablaut": "not a recording (.lablaut)",
        "README": "not a recording (no suffix)",
    },
    "emovo": {
        "EMOVO/f1/rab-f1-b1.wav": ("anger", "f1", "female"),
        "EMOVO/f1/dis-f1-b2.wav": ("disgust", "f1", "female"),
        "EMOVO/f2/pau-f2-l1.flac": ("fear", "f2", "female"),
        "EMOVO/m1/gio-m1-n5.wav": ("happiness", "m1", "male"),
        "EMOVO/m2/tri-m2-d1.wav": ("sadness", "m2", "male"),
        "EMOVO/m3/sor-m3-l4.wav": ("surprise", "m3", "male"),
        "EMOVO/m3/neu-m3-l4.wav": "neutral",
        "EMOVO/m3/xyz-m3-l4.wav": EMOVO,
        "EMOVO/m4/sor-m4-l4.wav": EMOVO,
        "documents.pdf": "not a recording (.pdf)",
    },
    "ravdess": {
        "Actor_01/03-01-03-01-01-01-01.wav": ("happiness", "01", "male"),
        "Actor_02/03-01-04-01-01-01-02.wav": ("sadness", "02", "female"),
        "Actor_23/03-01-05-02-02-02-23.flac": ("anger", "23", "male"),
        "Actor_24/03-01-06-01-01-01-24.wav": ("fear", "24", "female"),
        "Actor_24/03-01-07-01-01-01-24.wav": ("disgust", "24", "female"),
        "Actor_24/03-01-08-01-01-01-24.wav": ("surprise", "24", "female"),
        "Actor_24/03-01-01-01-01-01-24.wav": "neutral",
        "Actor_24/03-01-02-01-01-01-24.wav": "calm",
        "Actor_24/03-02-05-01-01-01-24.wav": "song",
        "Actor_24/01-01-05-01-01-01-24.mp4": "video of a clip that RAVDESS has as audio",
        "Actor_25/03-01-05-01-01-01-25.wav": RAVDESS,
        "Actor_00/03-01-05-01-01-01-00.wav": RAVDESS,
        "Actor_24/03-01-09-01-01-01-24.wav": RAVDESS,
    },
    "urdu": {
        "Angry/SM1_F10_A010.wav": ("anger", "SM1", "male"),
        "Happy/SF12_F1_H01.flac": ("happiness", "SF12", "female"),
        "sad/SM25_F1_S001.wav": ("sadness", "SM25", "male"),
        "Neutral/SM8_F1_N001.wav": "neutral",
        "Happy/SM1_F11_A011.wav": "folder Happy and the letter A in the name disagree",
        "other/SM1_F12_A012.wav": "folder other is none of Angry, Happy, Sad, Neutral",
        "Angry/SX1_F13_A013.wav": URDU,
    },
}


@pytest.mark.parametrize("name", TREES)
def test_reports_every_file_of_the_tree(name, tmp_path):
    touch(tmp_path, *TREES[name])
    expected = {path.rpartition("/")[2]: label for path, label in TREES[name].items()}
    assert found_in(name, tmp_path) == expected


@pytest.mark.parametrize("name", TREES)
def test_ids_do_not_depend_on_which_folder_is_given(name, tmp_path):
    touch(tmp_path / "above", *TREES[name])
    ids = {
        str(root): [
            item.utterance.utterance_id for item in READERS[name].read(root) if item.utterance
        ]
        for root in (tmp_path, tmp_path / "above")
    }
    assert ids[str(tmp_path)] == ids[str(tmp_path / "above")]
    deeper = next(path for path in sorted((tmp_path / "above").rglob("*")) if path.is_dir())
    inside = [item.utterance.utterance_id for item in READERS[name].read(deeper) if item.utterance]
    assert set(inside) <= set(ids[str(tmp_path)])


def test_the_same_name_twice_is_used_once(tmp_path):
    touch(tmp_path, "a/dis-f1-b1.wav", "b/dis-f1-b1.wav", "b/rab-f1-b1.wav")
    items = list(READERS["emovo"].read(tmp_path))
    assert [item.reason for item in items] == ["", "second copy of a/dis-f1-b1.wav", ""]


def test_a_link_to_the_folder_above_is_not_followed_forever(tmp_path):
    touch(tmp_path, "wav/03a01Wa.wav")
    (tmp_path / "wav/up").symlink_to(tmp_path, target_is_directory=True)
    assert list(found_in("emodb", tmp_path)) == ["03a01Wa.wav"]


@pytest.mark.parametrize("name", READERS)
def test_every_reader_says_what_it_reads(name):
    reader = READERS[name]
    assert set(EMOTIONS) & set(reader.LABEL_MAP.values())
    assert reader.LAYOUT
    assert reader.LICENCE
    if name != "csv":
        assert reader.CITATION
        assert len(reader.LANGUAGE) == 2
        assert reader.ELICITATION in ("acted", "induced", "natural")


def test_csv_skips_what_is_no_emotion_of_ours_by_name(tmp_path):
    table = tmp_path / "calls.csv"
    table.write_text(
        "path,domain,speaker,emotion\n"
        "a.wav,calls,ann,Anger\n"
        "b.wav,calls,bob,neutral\n"
        "c.wav,calls,bob,BOREDOM\n"
        "sub/d.wav,calls,bob, sadness \n"
    )
    items = list(READERS["csv"].read(table))
    assert [item.reason for item in items] == ["", "neutral", "boredom", ""]
    assert [str(item.path) for item in items] == [
        str(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav", "sub/d.wav")
    ]
    assert items[3].utterance.utterance_id == "calls/sub/d"
    assert items[0].utterance.emotion == "anger"


def test_csv_refuses_an_emotion_that_does_not_exist(tmp_path):
    table = tmp_path / "calls.csv"
    table.write_text("path,domain,speaker,emotion\na.wav,d,s,anger\nb.wav,d,s,angry\n")
    with pytest.raises(UserError, match=r"calls\.csv, line 3: emotion `angry`.*anger, disgust"):
        list(READERS["csv"].read(table))
