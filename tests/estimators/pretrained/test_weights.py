"""Weights of pretrained models: found where they may lie, never downloaded, told apart by their content."""

from pathlib import Path

import pytest

from bakeoff.errors import UserError
from bakeoff.estimators.pretrained.weights import (
    digest_weights,
    find_weights_file,
    find_weights_folder,
    hub_cache,
)

FILE = "net.ckpt"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folder of BAKEOFF_WEIGHTS, with a file and a folder of weights in it; work elsewhere."""
    folder = tmp_path / "weights"
    (folder / "encoder").mkdir(parents=True)
    (folder / "encoder" / "config.json").write_text("{}")
    (folder / FILE).write_bytes(b"of the folder")
    monkeypatch.setenv("BAKEOFF_WEIGHTS", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def find(given: str | None = None, caches: tuple[Path, ...] = ()) -> Path:
    """Look for the file of a model called net."""
    return find_weights_file(FILE, model="net", given=given, caches=caches, source="the moon")


def test_a_file_is_found_where_it_may_lie(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that was given comes first, as a file, a folder or a name in the folder; then the folder, then caches."""
    own = tmp_path / "own.ckpt"
    own.write_bytes(b"own")
    (tmp_path / "cache").mkdir()
    cached = tmp_path / "cache" / FILE
    cached.write_bytes(b"cached")
    assert find() == place / FILE
    assert find(str(own)) == own
    assert find(str(tmp_path / "cache")) == cached
    assert find(FILE) == place / FILE
    assert find(caches=(cached,)) == place / FILE
    monkeypatch.delenv("BAKEOFF_WEIGHTS")
    assert find(caches=(tmp_path / "absent", cached)) == cached


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, r"net has no weights: no net.ckpt, and nothing is downloaded; put net.ckpt \(from the moon\) into"),
        ("absent.ckpt", "net has no weights: no file at 'absent.ckpt'; .* or give its path as `weights`"),
    ],
)
def test_missing_weights_are_told_in_one_line(place: Path, given: str | None, problem: str) -> None:
    """Without weights the error says what was looked for, and what to do."""
    (place / FILE).unlink()
    with pytest.raises(UserError, match=problem) as caught:
        find(given)
    assert "\n" not in str(caught.value)


def test_folders_are_found_by_what_they_hold(place: Path, tmp_path: Path) -> None:
    """A folder counts if it holds its marker: by path, by its name in the folder of BAKEOFF_WEIGHTS."""
    options = {"marker": "config.json", "model": "texts"}
    assert find_weights_folder("encoder", **options) == place / "encoder"
    assert find_weights_folder(str(place / "encoder"), **options) == place / "encoder"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"texts has no weights: no folder 'empty' with a config\.json"):
        find_weights_folder("empty", **options)


def test_the_hub_s_cache_is_read_without_the_hub(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the Hub's cache holds is found by OWNER/NAME; what it does not hold, and what is no such name, is not."""
    hub = pytest.importorskip("huggingface_hub")
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    refs = tmp_path / "hub" / "models--owner--name" / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc")
    look_up = hub.try_to_load_from_cache
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *names: look_up(*names, cache_dir=str(tmp_path / "hub")))
    assert list(hub_cache("owner/name", "config.json")) == [snapshot / "config.json"]
    assert find_weights_folder("owner/name", marker="config.json", model="texts") == snapshot
    assert list(hub_cache("owner/other", "config.json")) == []
    assert list(hub_cache("/owner/name", "config.json")) == []
    assert list(hub_cache("no name at all", "config.json")) == []


def test_digests_follow_the_content(place: Path) -> None:
    """Other bytes under the same name are other weights; so is another file in a folder."""
    file, folder = place / FILE, place / "encoder"
    before = digest_weights(file), digest_weights(folder)
    assert len(set(before)) == 2
    assert (digest_weights(file), digest_weights(folder)) == before
    file.write_bytes(b"of the folder, later")
    (folder / "more.json").write_text("{}")
    assert digest_weights(file) != before[0]
    assert digest_weights(folder) != before[1]
