import csv
import dataclasses
import hashlib

import pytest

from corpora import folds, manifest
from schemas.errors import UserError
from schemas.utterance import Utterance

HEADER = "path,domain,speaker,emotion"


def clip(number, **changes):
    """Returns one of many clips: speakers 0 to 9, two emotions."""
    values = {
        "utterance_id": f"d/{number}",
        "path": f"/data/{number}.wav",
        "domain": "d",
        "speaker": str(number % 10),
        "emotion": ("anger", "fear")[number // 10 % 2],
        "sha256": f"{number:064x}",
        "duration_s": 1.5,
        "sample_rate_hz": 16_000,
    }
    return Utterance(**{**values, **changes})


def test_written_and_read_is_the_same(tmp_path):
    clips = folds.assign(
        [clip(i) for i in range(20)]
        + [clip(20, utterance_id='d/"x", ü', start_s=0.25, end_s=1.0, gender="female")],
        seed=0,
    )
    path = tmp_path / "deep" / "manifest.csv"
    manifest.write(clips, path)
    assert manifest.read(path) == clips
    before = path.read_bytes()
    manifest.write(clips, path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["manifest.csv"]
    assert before.splitlines()[0].decode().split(",") == [
        field.name for field in dataclasses.fields(Utterance)
    ]


def test_paths_are_relative_to_the_manifest(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(f"{HEADER}\nsub/a.wav,d,s,anger\n../b.wav,d,s,anger\n/c.wav,d,s,fear\n")
    assert [clip.path for clip in manifest.read(path)] == [
        f"{tmp_path}/sub/a.wav",
        f"{tmp_path.parent}/b.wav",
        "/c.wav",
    ]


def test_a_spreadsheets_byte_order_mark_and_spaces_are_accepted(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(
        "\ufeffpath, domain ,speaker,emotion\r\na.wav,d, s ,Anger\r\n", encoding="utf-8"
    )
    (only,) = manifest.read(path)
    assert (only.speaker, only.emotion) == ("s", "anger")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column path, domain, speaker, emotion"),
        ("path;domain;speaker;emotion\n", "has no column path, .* separated by commas"),
        ("path,domain,emotion\n", "has no column speaker"),
        (f"{HEADER}\n", "has no utterance"),
        (f"{HEADER}\na.wav,d,s,neutral\n", "line 2: emotion `neutral` does not exist; allowed"),
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


def test_digest_follows_content_and_not_place_or_order():
    clips = [clip(i) for i in range(3)]
    digest = manifest.digest(clips)
    assert manifest.digest(clips[::-1]) == digest
    assert manifest.digest([dataclasses.replace(c, path="/else" + c.path) for c in clips]) == digest
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
        manifest.digest([clips[0], clips[1], dataclasses.replace(clips[2], **{name: value})])
        for name, value in changes.items()
    }
    assert len(digests | {digest}) == len(changes) + 1


def test_refresh_finds_what_changed(tmp_path, write_tone):
    names = ("same", "other", "gone", "broken", "new")
    paths = {name: write_tone(tmp_path / f"{name}.wav") for name in names}
    sha256 = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}
    clips = [
        clip(i, utterance_id=name, path=str(paths[name]), sha256=sha256[name], duration_s=0.1)
        for i, name in enumerate(names)
    ]
    # As in a CSV that lists no hashes.
    clips[4] = dataclasses.replace(clips[4], sha256="", duration_s=0.0, sample_rate_hz=0)
    write_tone(paths["other"], duration_s=0.5, rate_hz=8_000)
    paths["gone"].unlink()
    paths["broken"].write_bytes(b"nothing")

    refreshed, changed, missing = manifest.refresh(clips)

    assert changed == ["other", "broken", "new"]
    assert missing == ["gone"]
    same, other, gone, broken, new = refreshed
    assert same == clips[0]
    assert (other.duration_s, other.sample_rate_hz) == (0.5, 8_000)
    assert other.sha256 == hashlib.sha256(paths["other"].read_bytes()).hexdigest()
    assert gone == dataclasses.replace(clips[2], sha256="missing")
    assert (broken.duration_s, broken.sha256) == (0, hashlib.sha256(b"nothing").hexdigest())
    assert (new.duration_s, new.sha256) == (0.1, sha256["new"])
    again, changed, missing = manifest.refresh([same, other, gone, new])
    assert (changed, missing) == ([], ["gone"])
    assert again == [same, other, gone, new]


def test_account_is_written_as_csv(tmp_path):
    entry = manifest.Entry(path="/a,b.wav", domain="d", status="skipped", reason="neutral")
    manifest.write_account([entry], tmp_path / "account.csv")
    with open(tmp_path / "account.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "domain", "status", "reason"],
            ["/a,b.wav", "d", "skipped", "neutral"],
        ]


def test_an_account_is_read_as_written(tmp_path):
    account = [
        manifest.Entry(path="/a,b.wav", domain="d", status="skipped", reason='"neutral"'),
        manifest.Entry(path="/c.wav", domain="d", status="used"),
    ]
    manifest.write_account(account, tmp_path / "m.account.csv")
    assert manifest.read_account(tmp_path / "m.account.csv") == account
    (tmp_path / "other.csv").write_text("path,fold\n")
    with pytest.raises(UserError, match=r"other\.csv: has no column domain, status, reason"):
        manifest.read_account(tmp_path / "other.csv")


def folded(number, fold, **changes):
    return clip(number, fold_random=fold, fold_speaker_independent=fold, **changes)


GOOD = [folded(i, i % 5) for i in range(20)]


def test_good_folds_pass():
    for protocol in ("random", "speaker_independent"):
        manifest.check_folds(GOOD, protocol)
        manifest.check_folds(GOOD, protocol, test_fold=2)


@pytest.mark.parametrize(
    ("clips", "protocol", "message"),
    [
        (GOOD[:4], "random", "domain d: 4 clips are fewer than the 5 folds"),
        ([clip(i) for i in range(20)], "random", "domain d: has clips without a fold.*ser corpora"),
        (
            [dataclasses.replace(c, speaker=str(int(c.speaker) % 4)) for c in GOOD],
            "speaker_independent",
            r"domain d: 4 speakers \(0, 1, 2, 3\) are fewer than the 5 folds",
        ),
        (
            [c for c in GOOD if (c.fold_random, c.emotion) != (3, "fear")],
            "random",
            r"domain d: fold 3 has no clip of fear under the protocol random \(8 clips",
        ),
        (
            [*GOOD, folded(20, 1, speaker="0")],
            "speaker_independent",
            "domain d: speaker 0 is in more than one fold",
        ),
        (GOOD, "by_moon", "protocol `by_moon` does not exist"),
    ],
)
def test_impossible_folds_are_named(clips, protocol, message):
    good = [dataclasses.replace(c, domain="good", utterance_id=f"g{c.path}") for c in GOOD]
    with pytest.raises(UserError, match=message) as error:
        manifest.check_folds(good + clips, protocol)
    assert "domain good" not in str(error.value)


def test_a_single_test_fold_needs_its_classes_and_something_to_train_on():
    clips = [c for c in GOOD if (c.fold_random, c.emotion) != (3, "fear")]
    manifest.check_folds(clips, "random", test_fold=0)
    with pytest.raises(UserError, match=r"fold 3 .*test folds that have it \(0, 1, 2, 4\)"):
        manifest.check_folds(clips, "random", test_fold=3)
    only = [c for c in GOOD if c.emotion == "anger" or c.fold_random == 0]
    with pytest.raises(UserError, match="fear is in no other fold than 0"):
        manifest.check_folds(only, "random", test_fold=0)
