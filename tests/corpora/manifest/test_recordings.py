import dataclasses
import hashlib

from many_clips import clip

from corpora.manifest import Manifest, refresh


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

    indexed = Manifest.of(clips)
    refreshed, changed, missing = refresh(indexed)

    assert changed == ["other", "broken", "new"]
    assert missing == ["gone"]
    assert refreshed.labels == indexed.labels
    same, other, gone, broken, new = refreshed.utterances
    assert same == clips[0]
    assert (other.duration_s, other.sample_rate_hz) == (0.5, 8_000)
    assert other.sha256 == hashlib.sha256(paths["other"].read_bytes()).hexdigest()
    assert gone == dataclasses.replace(clips[2], sha256="missing")
    assert (broken.duration_s, broken.sha256) == (0, hashlib.sha256(b"nothing").hexdigest())
    assert (new.duration_s, new.sha256) == (0.1, sha256["new"])
    again, changed, missing = refresh(Manifest.of([same, other, gone, new]))
    assert (changed, missing) == ([], ["gone"])
    assert again.utterances == [same, other, gone, new]
