"""Exit codes: all well, some fits failed or differ, the user's mistake, interrupted (records kept)."""

OK, SOME_FAILED, USER_ERROR, INTERRUPTED = 0, 1, 2, 130
