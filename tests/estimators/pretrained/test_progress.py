"""Progress bars of other libraries in a fit's process."""

from threading import RLock

import pytest
from tqdm import tqdm
from tqdm.auto import tqdm as automatic

from bakeoff.estimators.pretrained.progress import lock_bars_by_thread


def test_bars_share_a_lock_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bar asks for a semaphore of the system any more, nor do those of subclasses; bars still work."""
    for bars in (tqdm, automatic):
        monkeypatch.delattr(bars, "_lock", raising=False)
    lock_bars_by_thread()
    assert type(tqdm.get_lock()) is type(RLock())
    assert automatic.get_lock() is tqdm.get_lock()
    assert list(tqdm(range(3), disable=True)) == [0, 1, 2]
