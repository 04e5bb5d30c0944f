"""Small trees, labelled and counted by hand."""

import collections
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpora.readers import READERS, display, language_name
from corpora.readers.base import resolve_options
from schemas.errors import UserError
from schemas.labels import PAPER, VOCABULARY


def found_in(name, root, **options):
    """Returns path to (emotion, speaker, gender), or to the reason for skipping it."""
    result = {}
    for item in READERS[name].read(root, **options):
        path = str(item.path.relative_to(root))
        assert path not in result, "reported twice"
        assert (item.utterance is None) == bool(item.reason)
        clip = item.utterance
        result[path] = (clip.emotion, clip.speaker, clip.gender) if clip else item.reason
    return result


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")


EMODB = "name does not match Emo-DB's pattern, like 03a01Wa"
EMOVO = "name does not match EMOVO's pattern, like dis-f1-b1"
RAVDESS = "name does not match RAVDESS' pattern, like 03-01-05-01-01-01-01"
ENTERFACE = "name does not match eNTERFACE's pattern, like s1_an_1"
RML = "name does not match RML's pattern, like an1"
CREMAD = "name does not match CREMA-D's pattern, like 1001_DFA_ANG_XX"
SAVEE = "name does not match SAVEE's pattern, like DC_a01 or DC/a01"
TESS = "name does not match TESS' pattern, like OAF_back_angry"
LONG = "subject 6: long files of joined sentences"
NO_FOLDER = "lies in none of the folders Angry, Disgust, Fear, Happy, Sad, Surprise, Neutral"
URDU = "name does not match URDU's pattern, like SM1_F10_A010"

TREES = {
    "emodb": {
        "wav/03a01Wa.wav": ("anger", "03", "male"),
        "wav/08a02Ea.wav": ("disgust", "08", "female"),
        "wav/09a04Ab.FLAC": ("fear", "09", "female"),
        "wav/10b01Fc.wav": ("happiness", "10", "male"),
        "wav/11b10Td.ogg": ("sadness", "11", "male"),
        "wav/12a01Na.wav": ("neutral", "12", "male"),
        "wav/13a01Lb.wav": ("boredom", "13", "female"),
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
        "EMOVO/m3/neu-m3-l4.wav": ("neutral", "m3", "male"),
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
        "Actor_24/03-01-01-01-01-01-24.wav": ("neutral", "24", "female"),
        "Actor_24/03-01-02-01-01-01-24.wav": ("calm", "24", "female"),
        "Actor_24/03-02-05-01-01-01-24.wav": "song",
        "Actor_24/01-01-05-01-01-01-24.mp4": ("anger", "24", "female"),
        "Actor_24/01-01-06-01-01-01-24.mp4": "second copy of Actor_24/03-01-06-01-01-01-24.wav",
        "Actor_24/02-01-05-01-01-01-24.mp4": "video without sound",
        "Actor_25/03-01-05-01-01-01-25.wav": RAVDESS,
        "Actor_00/03-01-05-01-01-01-00.wav": RAVDESS,
        "Actor_24/03-01-09-01-01-01-24.wav": RAVDESS,
    },
    "urdu": {
        "Angry/SM1_F10_A010.wav": ("anger", "SM1", "male"),
        "Happy/SF12_F1_H01.flac": ("happiness", "SF12", "female"),
        "sad/SM25_F1_S001.wav": ("sadness", "SM25", "male"),
        "Neutral/SM8_F1_N001.wav": ("neutral", "SM8", "male"),
        "Happy/SM1_F11_A011.wav": "folder Happy and the letter A in the name disagree",
        "other/SM1_F12_A012.wav": "folder other is none of Angry, Happy, Sad, Neutral",
        "Angry/SX1_F13_A013.wav": URDU,
    },
    "afew": {
        "Train/Angry/000046280.avi": ("anger", "unknown:000046280", ""),
        "Train_AFEW/Disgust/000046281.mp4": ("disgust", "unknown:000046281", ""),
        "Train/Fear/000046282.wav": ("fear", "unknown:000046282", ""),
        "Val/Happy/000046280.avi": ("happiness", "unknown:000046280", ""),
        "val_afew/sad/000046283.flac": ("sadness", "unknown:000046283", ""),
        "Val/Surprise/000046284.avi": ("surprise", "unknown:000046284", ""),
        "Val/Neutral/000046285.avi": ("neutral", "unknown:000046285", ""),
        "Train/Angry/000046280.xml": "not a recording (.xml)",
        "Train/000046286.avi": NO_FOLDER,
        "Test_AFEW/000046287.avi": "test part, which has no labels",
        "Test/Angry/000046288.avi": "test part, which has no labels",
    },
    "enterface": {
        "enterface database/subject 1/anger/sentence 1/s1_an_1.avi": ("anger", "1", ""),
        "enterface database/subject 1/disgust/sentence 5/s1_di_5.avi": ("disgust", "1", ""),
        "enterface database/subject 3/fear/sentence 1/s_3_fe_1.avi": ("fear", "3", ""),
        "enterface database/subject 11/happiness/sentence 2/s12_ha_2.avi": ("happiness", "11", ""),
        "enterface database/subject 12/happiness/sentence 2/s12_ha_2.avi": ("happiness", "12", ""),
        "enterface database/subject 16/surprise/sentence 3/s16_su_3avi.avi": ("surprise", "16", ""),
        "enterface database/subject 44/sadness/sentence 4/s44_sa_4.WAV": ("sadness", "44", ""),
        "enterface database/subject 6/anger/s6_an.avi": LONG,
        "enterface database/subject 6/sadness/sad all.avi": LONG,
        "enterface database/subject 1/anger/sentence 1/s1_xx_1.avi": ENTERFACE,
        "enterface database/subject 1/anger/sentence 1/take2.avi": ENTERFACE,
        "enterface database/subject 2/anger/sentence 1/s2_fe_1.avi": (
            "folder anger and the name, which says fear, disagree"
        ),
        "enterface database/subject 1/anger/sentence 1/Thumbs.db": "not a recording (.db)",
    },
    "rml": {
        "rml-1/s1/an1.avi": ("anger", "s1", ""),
        "rml-1/s1/di10.avi": ("disgust", "s1", ""),
        "rml-1/s3/mandarin/fe2.avi": ("fear", "s3", ""),
        "rml-1/s3/english/fe2.avi": ("fear", "s3", ""),
        "rml-2/s6/ha3_b.wav": ("happiness", "s6", ""),
        "rml-2/s8/sad 4.flac": ("sadness", "s8", ""),
        "rml-2/s8/SU5.AVI": ("surprise", "s8", ""),
        "rml-2/s8/neutral1.avi": RML,
        "rml-2/s8/an.avi": RML,
        "rml-2/an1.avi": "lies in no speaker's folder, like s1",
        "agreement.pdf": "not a recording (.pdf)",
    },
    "cremad": {
        "AudioWAV/1001_DFA_ANG_XX.wav": ("anger", "1001", "male"),
        "AudioWAV/1002_IEO_DIS_LO.wav": ("disgust", "1002", "female"),
        "AudioWAV/1040_ITH_SAD_X.wav": ("sadness", "1040", "male"),
        "AudioWAV/1091_WSI_FEA_HI.wav": ("fear", "1091", "female"),
        "AudioWAV/1090_WSI_HAP_MD.flac": ("happiness", "1090", "male"),
        "AudioWAV/1001_DFA_NEU_XX.wav": ("neutral", "1001", "male"),
        "AudioMP3/1001_DFA_ANG_XX.mp3": "second copy of AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1000_DFA_ANG_XX.wav": CREMAD,
        "AudioWAV/1092_DFA_ANG_XX.wav": CREMAD,
        "AudioWAV/1001_DFA_SUR_XX.wav": CREMAD,
        "finishedResponses.csv": "not a recording (.csv)",
    },
    "savee": {
        "AudioData/DC/a01.wav": ("anger", "DC", "male"),
        "AudioData/DC/sa15.wav": ("sadness", "DC", "male"),
        "AudioData/JK/d02.wav": ("disgust", "JK", "male"),
        "ALL/JE_su03.wav": ("surprise", "JE", "male"),
        "ALL/KL_f04.flac": ("fear", "KL", "male"),
        "ALL/KL_h1.wav": ("happiness", "KL", "male"),
        "ALL/KL_n30.wav": ("neutral", "KL", "male"),
        "ALL/XY_a01.wav": SAVEE,
        "ALL/a02.wav": "neither name nor folder has the speaker (DC, JE, JK, KL)",
        "AudioData/Info.txt": "not a recording (.txt)",
    },
    "tess": {
        "OAF_angry/OAF_back_angry.wav": ("anger", "OAF", "female"),
        "YAF_pleasant_surprised/YAF_back_ps.wav": ("surprise", "YAF", "female"),
        "YAF_sad/YAF_youth_sad.wav": ("sadness", "YAF", "female"),
        "OAF_happy/OAF_bar_happy.wav": ("happiness", "OAF", "female"),
        "OAF_Fear/OAF_bar_fear.wav": ("fear", "OAF", "female"),
        "YAF_disgust/YAF_bar_disgust.wav": ("disgust", "YAF", "female"),
        "OAF_neutral/OA_bite_neutral.wav": ("neutral", "OAF", "female"),
        "TESS/OAF_angry/OAF_back_angry.wav": "second copy of OAF_angry/OAF_back_angry.wav",
        "OAF_angry/OAF_back_furious.wav": TESS,
        "OAF_angry/OAF_angry.wav": TESS,
    },
}


@pytest.mark.parametrize("name", TREES)
def test_reports_every_file_of_the_tree(name, tmp_path):
    touch(tmp_path, *TREES[name])
    assert found_in(name, tmp_path) == TREES[name]


@pytest.mark.parametrize("name", TREES)
def test_a_folder_above_or_inside_gives_the_same_clips(name, tmp_path):
    touch(tmp_path / "above" / "corpus", *TREES[name])

    def clips(root):
        return {item.path: item.utterance for item in READERS[name].read(root) if item.utterance}

    whole = clips(tmp_path / "above" / "corpus")
    assert len({clip.utterance_id for clip in whole.values()}) == len(whole)
    assert clips(tmp_path) == whole
    for folder in sorted(path for path in tmp_path.rglob("*") if path.is_dir()):
        inside = clips(folder)
        if {"TESS", "AudioMP3"} & set(folder.parts):
            continue  # alone, second copies are first ones
        assert inside == {path: clip for path, clip in whole.items() if path.is_relative_to(folder)}


SENTENCES = {
    "emodb": ("wav/03a01Wa.wav", "a01"),
    "emovo": ("EMOVO/f1/dis-f1-b2.wav", "b2"),
    "ravdess": ("Actor_23/03-01-05-02-02-02-23.wav", "02"),
    "urdu": ("Angry/SM1_F10_A010.wav", ""),
    "afew": ("Train/Angry/000046280.avi", ""),
    "enterface": ("subject 16/surprise/sentence 3/s16_su_3avi.avi", "su3"),
    "rml": ("rml-1/s1/an1.avi", ""),
    "cremad": ("AudioWAV/1001_DFA_ANG_XX.wav", "DFA"),
    "savee": ("ALL/KL_h1.wav", "h01"),
    "tess": ("OAF_angry/OAF_back_angry.wav", "back"),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_clips_carry_what_their_corpus_says_of_them(name, tmp_path):
    path, sentence = SENTENCES[name]
    touch(tmp_path, path)
    (clip,) = [item.utterance for item in READERS[name].read(tmp_path)]
    corpus = READERS[name].CORPUS
    assert clip.path == str(tmp_path / path)
    assert clip.domain == name
    assert clip.sentence == sentence
    assert (clip.language, clip.elicitation) == (corpus.language, corpus.elicitation)
    assert clip.licence == corpus.licence


def test_rml_takes_the_language_from_its_folder(tmp_path):
    touch(
        tmp_path,
        "rml-1/s3/Mandarin/an1.avi",
        "rml-1/s3/English (accent)/an1.avi",
        "rml-1/s3/second/an1.avi",
        "Persian/s4/an1.avi",
        "Italian/s4/an1.avi",
        "rml-2/s8/an1.avi",
    )
    clips = [item.utterance for item in READERS["rml"].read(tmp_path)]
    assert {clip.utterance_id: clip.language for clip in clips} == {
        "rml/s3/Mandarin/an1": "zh",
        "rml/s3/English (accent)/an1": "en",
        "rml/s3/second/an1": "",
        "rml/s4/Persian/an1": "fa",
        "rml/s4/Italian/an1": "it",
        "rml/s8/an1": "",
    }


def test_rml_does_not_take_folders_far_above_for_its_own(tmp_path):
    touch(tmp_path, "italian/data/corpora/rml/s1/an1.avi", "s7/data/rml/an2.avi")
    items = {item.path.name: item for item in READERS["rml"].read(tmp_path)}
    assert items["an1.avi"].utterance.language == ""
    assert items["an2.avi"].reason == "lies in no speaker's folder, like s1"


@pytest.mark.parametrize(
    ("parts", "used"),
    [
        ("train+val", ["afew/train/Angry/1", "afew/val/Angry/1", "afew/Angry/1"]),
        ("train", ["afew/train/Angry/1"]),
        ("val", ["afew/val/Angry/1"]),
    ],
)
def test_afew_parts(parts, used, tmp_path):
    touch(tmp_path, "Train/Angry/1.avi", "Val/Angry/1.avi", "mine/Angry/1.avi")
    items = list(READERS["afew"].read(tmp_path, parts=parts))
    assert [item.utterance.utterance_id for item in items if item.utterance] == used
    other = {"train": "val", "val": "train"}.get(parts)
    skipped = {item.reason for item in items} - {""}
    assert skipped == (
        {f"{other} part, not {parts}", f"unknown part, not {parts}"} if other else set()
    )


def test_enterface_includes_subject_6_if_told_to(tmp_path):
    touch(tmp_path, *TREES["enterface"])
    found = found_in("enterface", tmp_path, subject_6="include")
    changed = {path: label for path, label in found.items() if label != TREES["enterface"][path]}
    assert changed == {
        "enterface database/subject 6/anger/s6_an.avi": ("anger", "6", ""),
        "enterface database/subject 6/sadness/sad all.avi": ("sadness", "6", ""),
    }


def test_enterface_without_folders_goes_by_the_names(tmp_path):
    touch(tmp_path, "s01_an_1.wav", "s_3_ha_1.wav", "s6_an_1.wav", "s16_su_3avi.wav")
    assert found_in("enterface", tmp_path) == {
        "s01_an_1.wav": ("anger", "1", ""),
        "s_3_ha_1.wav": ("happiness", "3", ""),
        "s6_an_1.wav": LONG,
        "s16_su_3avi.wav": ("surprise", "16", ""),
    }


def test_a_video_and_its_extracted_sound_are_one_clip(tmp_path):
    touch(tmp_path, "rml-1/s1/an1.avi", "rml-1/s1/an1.wav", "rml-1/s1/an2.avi")
    assert found_in("rml", tmp_path) == {
        "rml-1/s1/an1.avi": "second copy of rml-1/s1/an1.wav",
        "rml-1/s1/an1.wav": ("anger", "s1", ""),
        "rml-1/s1/an2.avi": ("anger", "s1", ""),
    }


def test_options_are_given_or_default():
    options = READERS["afew"].CORPUS.options
    assert resolve_options("afew", options, {}) == {"parts": "train+val"}
    assert resolve_options("afew", options, {"parts": "val"}) == {"parts": "val"}
    with pytest.raises(UserError, match=r"afew\.parts cannot be `test`; allowed: train\+val, tr"):
        resolve_options("afew", options, {"parts": "test"})
    with pytest.raises(UserError, match=r"afew\.part does not exist; afew has parts"):
        resolve_options("afew", options, {"part": "val"})
    with pytest.raises(UserError, match=r"emodb\.parts does not exist; emodb has no options"):
        resolve_options("emodb", {}, {"parts": "val"})


@pytest.mark.parametrize(
    ("name", "clips", "others"),
    [
        ("emodb", 535, {"neutral": 79, "boredom": 81}),
        ("emovo", 588, {"neutral": 84}),
        ("ravdess", 1440, {"neutral": 96, "calm": 192}),
        ("urdu", 400, {"neutral": 100}),
    ],
)
def test_real_corpora_have_the_published_numbers_of_clips(name, clips, others, real_corpora):
    found = [item.utterance for item in READERS[name].read(real_corpora / name)]
    assert len(found) == clips
    counts = collections.Counter(clip.emotion for clip in found)
    assert {label: counts[label] for label in counts if label not in PAPER} == others


def test_a_folder_that_cannot_be_opened_is_reported(tmp_path, monkeypatch):
    touch(tmp_path, "a/03a01Wa.wav", "b/03a01Ea.wav")
    scandir = os.scandir

    def refuse_b(folder):
        if Path(folder).name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse_b)
    assert found_in("emodb", tmp_path) == {
        "a/03a01Wa.wav": ("anger", "03", "male"),
        "b": "folder cannot be opened: Permission denied",
    }


def test_names_that_are_no_text_are_listed(tmp_path):
    name = os.fsdecode(b"Angry/caf\xe9.wav")
    touch(tmp_path, "Angry/SM1_F10_A010.wav", name)
    assert found_in("urdu", tmp_path)[name] == URDU


def test_a_full_copy_of_enterface_has_the_published_number_of_clips(tmp_path):
    # 44 subjects; three files of subject 23 are missing, subject 6 has six in all.
    for subject in range(1, 45):
        named = {11: 12}.get(subject, subject)
        for code, emotion in READERS["enterface"].LABEL_MAP.items():
            folder = f"subject {subject}/{emotion}"
            for sentence in range(1, 6):
                if subject == 23 and code == "ha" and sentence > 2:
                    continue
                if subject != 6:
                    touch(tmp_path, f"{folder}/sentence {sentence}/s{named}_{code}_{sentence}.avi")
            if subject == 6:
                touch(tmp_path, f"{folder}/s6_{code}.avi")
    for option, count in (("skip", 1287), ("include", 1293)):
        items = list(READERS["enterface"].read(tmp_path, subject_6=option))
        assert len(items) == 1293
        used = [item.utterance for item in items if item.utterance]
        assert len(used) == count
        clips = collections.Counter(clip.speaker for clip in used)
        assert clips["11"] == clips["12"] == 30
        assert clips["23"] == 27


def test_the_same_name_twice_is_used_once(tmp_path):
    touch(tmp_path, "a/dis-f1-b1.wav", "b/dis-f1-b1.wav", "b/rab-f1-b1.wav")
    items = list(READERS["emovo"].read(tmp_path))
    assert [item.reason for item in items] == ["", "second copy of a/dis-f1-b1.wav", ""]


def test_a_link_to_the_folder_above_is_not_followed_forever(tmp_path):
    touch(tmp_path, "wav/03a01Wa.wav")
    (tmp_path / "wav/up").symlink_to(tmp_path, target_is_directory=True)
    assert list(found_in("emodb", tmp_path)) == ["wav/03a01Wa.wav"]


@pytest.mark.parametrize("name", READERS)
def test_every_reader_says_what_it_reads(name):
    reader, corpus = READERS[name], READERS[name].CORPUS
    assert corpus.name == name
    assert set(reader.LABEL_MAP.values()) <= set(VOCABULARY)
    assert len(set(reader.LABEL_MAP.values())) >= 4
    assert corpus.display
    assert corpus.layout
    assert corpus.licence
    for option in corpus.options.values():
        assert len(set(option.allowed)) == len(option.allowed) > 1
        assert option.help
    assert (corpus.paper is None) == (corpus.full_copy is None)
    if not corpus.is_format:
        assert corpus.citation
        assert len(corpus.language) == (0 if name == "rml" else 2)
        assert corpus.elicitation in ("acted", "induced", "natural")


def test_the_registry_is_quick_to_import():
    code = (
        "import sys, corpora.readers\n"
        "print([m for m in ('numpy', 'av', 'pandas', 'audformat') if m in sys.modules])"
    )
    done = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert done.strip() == "[]"


def test_names_of_corpora_and_languages():
    assert display("enterface") == "eNTERFACE"
    assert display("calls") == "calls"
    assert [language_name(code) for code in ("ur", "zh", "tlh")] == ["Urdu", "Mandarin", "tlh"]


def test_csv_gives_every_row_with_its_own_word(tmp_path):
    table = tmp_path / "calls.csv"
    table.write_text(
        "path,domain,speaker,emotion\n"
        "a.wav,calls,ann,Anger\n"
        "b.wav,calls,bob,neutral\n"
        "c.wav,calls,bob,Pleasant  SURPRISE\n"
        "sub/d.wav,calls,bob, sadness \n"
    )
    items = list(READERS["csv"].read(table))
    words = [item.utterance.emotion for item in items]
    assert words == ["anger", "neutral", "pleasant surprise", "sadness"]
    assert [str(item.path) for item in items] == [
        str(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav", "sub/d.wav")
    ]
    assert items[3].utterance.utterance_id == "calls/sub/d"


def test_csv_refuses_a_row_without_an_emotion(tmp_path):
    table = tmp_path / "calls.csv"
    table.write_text("path,domain,speaker,emotion\na.wav,d,s,anger\nb.wav,d,s, \n")
    with pytest.raises(UserError, match=r"calls\.csv, line 3: `emotion` is empty"):
        list(READERS["csv"].read(table))
