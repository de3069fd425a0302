"""Who asked a training to stop may be told that it did so with its state saved, and may start it again."""

import pytest

from scaling_ambiguity.training.interrupts import STOPPED, listening


@pytest.mark.parametrize("told", [True, False])
def test_stopping_on_request_leaves_a_mark_where_one_is_wanted(tmp_path, monkeypatch, told):
    mark = tmp_path / "stopped"
    monkeypatch.delenv("SA_STOPPED", raising=False)
    if told:
        monkeypatch.setenv("SA_STOPPED", str(mark))
    with listening() as interrupts, pytest.raises(SystemExit) as left:
        interrupts.stop()
    assert left.value.code == STOPPED
    assert mark.exists() is told


def test_a_failure_leaves_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SA_STOPPED", str(tmp_path / "stopped"))
    with pytest.raises(ValueError, match="broken"), listening():
        raise ValueError("broken")
    assert not (tmp_path / "stopped").exists()
