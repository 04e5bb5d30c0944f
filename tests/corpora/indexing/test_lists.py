"""Label lists: parts of one corpus, official partitions, channels, and what they may get wrong."""

import numpy as np
import pytest
import soundfile

from corpora import manifest
from corpora.indexing.index import index
from schemas.errors import UserError

HEADER = "path,domain,speaker,emotion,split\n"
EMOTIONS = ("anger", "sadness")


@pytest.fixture
def lists(tmp_path, write_tone):
    """Three lists of one domain: 24 clips to train on, 6 of dev, 8 of test."""
    number = 0
    for part, count, speakers in (("train", 24, "abc"), ("devel", 6, "d"), ("test", 8, "ef")):
        rows = []
        for i in range(count):
            number += 1
            write_tone(tmp_path / f"{number}.wav")
            speaker = speakers[i % len(speakers)]
            rows.append(f"{number}.wav,calls,{speaker},{EMOTIONS[i // 3 % 2]},{part}\n")
        (tmp_path / f"{part}.csv").write_text(HEADER + "".join(rows))
    return [("csv", tmp_path / f"{part}.csv") for part in ("train", "devel", "test")]


def test_lists_of_one_domain_join_and_keep_their_official_parts(lists, tmp_path):
    result = index(lists)
    assert (len(result.utterances), result.count("calls", "used")) == (38, 38)
    folds_of: dict[str, set[int]] = {}
    for clip in result.utterances:
        folds_of.setdefault(clip.partition, set()).add(clip.fold("partition"))
    assert folds_of == {"test": {0}, "dev": {4}, "train": {1, 2, 3}}
    manifest.check_folds(result.utterances, "partition", test_fold=0)
    with pytest.raises(UserError, match="the test part is fold 0"):
        manifest.check_folds(result.utterances, "partition", test_fold=1)
    result.write(tmp_path / "m.csv")
    assert manifest.read(tmp_path / "m.csv").utterances == result.utterances


def test_without_a_dev_part_all_other_folds_are_trained_on(lists):
    clips = index([lists[0], lists[2]]).utterances
    assert {clip.fold("partition") for clip in clips if clip.partition == "train"} == {1, 2, 3, 4}


def test_a_list_without_parts_has_no_such_protocol(lists, tmp_path):
    text = (tmp_path / "test.csv").read_text().replace(",test\n", ",\n")
    (tmp_path / "test.csv").write_text(text)
    clips = index(lists).utterances
    assert {clip.fold("partition") for clip in clips} == {-1}
    with pytest.raises(UserError, match="not every clip is of an official part"):
        manifest.check_folds(clips, "partition", test_fold=0)
    (tmp_path / "test.csv").write_text(text.replace(",\n", ",tst\n"))
    with pytest.raises(UserError, match="line 2: `partition` must be train, dev, test or empty"):
        index(lists)


def test_one_clip_in_two_lists_is_no_clip_more(lists, tmp_path):
    with open(tmp_path / "test.csv", "a") as file:
        file.write("1.wav,calls,a,anger,test\n")
    with pytest.raises(UserError, match="1 utterances, like calls/1, are in both"):
        index(lists)


def test_two_formats_of_one_clip_are_told(tmp_path, write_tone):
    write_tone(tmp_path / "a.wav")
    write_tone(tmp_path / "a.flac", format="FLAC")
    (tmp_path / "l.csv").write_text(HEADER + "a.wav,d,s,anger,\na.flac,d,s,anger,\n")
    with pytest.raises(UserError, match=r"as a.flac and a.wav: one clip in several formats"):
        index([("csv", tmp_path / "l.csv")])


@pytest.fixture
def call(tmp_path):
    """A call of two: silence on the left until the middle, noise on the right."""
    generator = np.random.default_rng(0)
    samples = generator.normal(0, 0.1, (16_000, 2))
    samples[:, 0] = 0
    soundfile.write(tmp_path / "call.wav", samples, 16_000)
    soundfile.write(tmp_path / "both.wav", generator.normal(0, 0.1, (16_000, 2)), 16_000)
    return tmp_path


def indexed(folder, rows, **options):
    (folder / "l.csv").write_text("path,domain,speaker,emotion,channel\n" + rows)
    result = index([("csv", folder / "l.csv")], options={"csv": options} if options else None)
    return result, {clip.utterance_id: clip.channel for clip in result.utterances}


def test_channels_of_a_column_and_of_an_option(call):
    both = "both.wav,d,s,anger,\n"
    result, channels = indexed(call, both + "call.wav,d,s,anger,\n")
    assert channels == {"d/both": ""}
    assert result.account[1].reason.startswith("its first channel is silent, channel 2 of 2 is not")
    _, channels = indexed(call, both + "call.wav,d,s,anger,Right\n")
    assert channels == {"d/both": "", "d/call#right": "right"}
    _, channels = indexed(call, both + "call.wav,d,s,anger,\n", channel="2")
    assert channels == {"d/both": "2", "d/call": "2"}
    result, channels = indexed(call, both + "call.wav,d,s,anger,\n", channel="each")
    assert channels == {"d/both#1": "1", "d/both#2": "2", "d/call#2": "2"}
    assert [entry.status for entry in result.account] == ["used", "used", "unreadable", "used"]


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ("both.wav,d,s,anger,front\n", {}, "line 2: `channel` must be left, right, centre, mix"),
        ("both.wav,d,s,anger,\n", {"channel": "0"}, "option csv.channel cannot be `0`"),
    ],
)
def test_channels_that_are_none(call, row, options, message):
    with pytest.raises(UserError, match=message):
        indexed(call, row, **options)
