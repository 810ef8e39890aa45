"""A server on loopback that answers as OpenML does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import openml
import pytest
from openml_answers import Answers

Serve = Callable[[Callable[[str], tuple[int, str, dict[str, str]]]], str]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve) -> Iterator[Answers]:
    """Serve OpenML's answers on loopback, with a cache of its own and without waiting between tries."""
    address = serve(lambda path: (*answers.get(path.split("?")[0]), {}))
    answers = Answers(address)
    monkeypatch.setattr(openml.config, "server", f"{answers.address}/api/v1/xml")
    monkeypatch.setattr(openml.config, "connection_n_retries", 2)
    monkeypatch.setattr(openml._api_calls, "_human_delay", lambda _: 0.0)
    before = openml.config._root_cache_directory
    openml.config.set_root_cache_directory(str(tmp_path / "openml"))
    yield answers
    openml.config.set_root_cache_directory(str(before))
