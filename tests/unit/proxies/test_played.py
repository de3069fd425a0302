import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.proxies.played import SILENCE, as_played


def table(count=40, sound=False):
    names = [f"u{i:02d}" for i in range(count)]
    rows = pd.DataFrame({"utterance": names, "path": [f"{name}.wav" for name in names]})
    rows.loc[3, "path"] = None
    return rows.assign(sound=[None if i % 2 else f"copy/{n}.flac" for i, n in enumerate(names)]) if sound else rows


@pytest.mark.parametrize("sound", [False, True])
def test_another_gives_every_utterance_the_sound_of_another(sound):
    rows = table(sound=sound)
    played, heard = as_played(rows, {"sound": "another"}, 1), rows["path"].notna()
    assert (played.loc[heard, "path"] != rows.loc[heard, "path"]).all()
    assert played["path"].isna().tolist() == (~heard).tolist()
    assert sorted(played["path"].dropna()) == sorted(rows["path"].dropna())
    if sound:  # the copy goes with its file
        copies = dict(zip(rows["path"], rows["sound"].fillna(""), strict=True))
        assert [copies[path] for path in played.loc[heard, "path"]] == played.loc[heard, "sound"].fillna("").tolist()
    shuffled = as_played(rows.sample(frac=1, random_state=0), {"sound": "another"}, 1).sort_values("utterance")
    pd.testing.assert_frame_equal(shuffled.reset_index(drop=True), played)
    assert not as_played(rows, {"sound": "another"}, 2).equals(played)


def test_silence_is_silent_and_the_own_sound_is_untouched():
    rows = table(sound=True)
    silent = as_played(rows, {"sound": "silence"}, 1)
    assert set(silent["path"].dropna()) == {str(SILENCE)} and silent["sound"].iloc[4:].isna().all()
    samples, rate = soundfile.read(SILENCE)
    assert rate == 16_000 and len(samples) == 40_000 and not samples.any()
    assert as_played(rows, {}, 1) is rows
