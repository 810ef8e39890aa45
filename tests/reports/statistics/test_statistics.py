"""Statistics: each against numbers that other programs or papers give, and the properties that such tests must have."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from bakeoff.reports.statistics.bootstrap_ranks import bootstrap_ranks
from bakeoff.reports.statistics.datasets import (
    adjust_by_holm,
    bayesian_signed_rank_test,
    find_homogeneous_groups,
    friedman_test,
    nemenyi_test,
    pairwise_wilcoxon_test,
    rank_models,
    skillings_mack_test,
    smallest_p_value,
    wilcoxon_test,
)
from bakeoff.reports.statistics.folds import bayesian_correlated_t_test, corrected_t_test, count_folds_to_significance
from bakeoff.reports.statistics.rows import (
    block_length,
    bootstrap_differences,
    bootstrap_posterior,
    count_resamples,
    mcnemar_test,
    summarise_bootstrap,
)

FOLDS = np.array([0.02, 0.03, -0.01, 0.04, 0.015, 0.022, 0.005, 0.031, -0.004, 0.018])
PAIRS = np.array([0.02, 0.03, -0.01, 0.04, 0.015, -0.022, 0.005, 0.031, -0.004, 0.018, 0.0, 0.012])
# Four variants of C4.5 on 14 data sets, after Demšar 2006.
TREES = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
NONE = np.nan
# Times of assembly by four methods and nine operators, some missing: Skillings & Mack 1981.
ASSEMBLY = np.array(
    [
        [3.2, 4.1, 3.8, 4.2],
        [3.1, 3.9, 3.4, 4.0],
        [4.3, 3.5, 4.6, 4.8],
        [3.5, 3.6, 3.9, 4.0],
        [3.6, 4.2, 3.7, 3.9],
        [4.5, 4.7, 3.7, NONE],
        [NONE, 4.2, 3.4, NONE],
        [4.3, 4.6, 4.4, 4.9],
        [3.5, NONE, 3.7, 3.9],
    ]
)


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from counts of rows to means of their values."""
    return lambda counts: values @ counts / counts.sum(axis=0)


def test_corrected_t_test_by_hand() -> None:
    """The statistic is the mean over the spread times the root of 1/n + share / (1 - share), with n - 1 degrees."""
    found = corrected_t_test([0.0, 0.1, 0.2, 0.3, 0.4], test_fraction=0.2)
    # mean 0.2, s 0.158114, error s * sqrt(1/5 + 1/4) = 0.106066, t = 1.885618 with 4 degrees: p = 0.132386
    assert found.p_value == pytest.approx(0.1324, abs=1e-4)
    assert (found.low, found.high) == pytest.approx((0.2 - 2.776445 * 0.106066, 0.2 + 2.776445 * 0.106066), abs=1e-6)


def test_corrected_t_test_and_its_posterior_agree_with_baycomp() -> None:
    """As in baycomp 1.0.3, two_on_single with runs=1: 0.0235 is below zero; 0.8100, 0.1875, 0.0025 with a rope."""
    found = bayesian_correlated_t_test(FOLDS, test_fraction=0.1, rope=0.01)
    expected = (0.0025439254036574073, 0.18748668800987156, 0.809969386586471)
    assert (found.worse, found.equivalent, found.better) == pytest.approx(expected, abs=1e-9)
    without = bayesian_correlated_t_test(FOLDS, test_fraction=0.1, rope=0)
    assert without.worse == pytest.approx(0.02347123776070803, abs=1e-9)
    assert corrected_t_test(FOLDS, test_fraction=0.1).p_value == pytest.approx(2 * without.worse, abs=1e-9)


def test_bayesian_signed_rank_agrees_with_baycomp() -> None:
    """As in baycomp 1.0.3, SignedRankTest with a rope of 0.01 and 200,000 samples: 0.62258, 0.37682, 0.00061."""
    found = bayesian_signed_rank_test(PAIRS, rope=0.01, seed=0)
    assert (found.better, found.equivalent, found.worse) == pytest.approx((0.62258, 0.376815, 0.000605), abs=0.006)


def test_friedman_in_iman_davenports_form() -> None:
    """From the chi-square of scipy 1.17.1, 10.952381 with ties: F = 13 x 10.952381 / (42 - 10.952381) = 4.585890."""
    found = friedman_test(TREES)
    assert found.statistic == pytest.approx(13 * 10.952380952380956 / (42 - 10.952380952380956))
    assert found.p_value == pytest.approx(0.007628838730725745)
    assert found.mean_ranks == pytest.approx([44 / 14, 28 / 14, 41 / 14, 27 / 14])


def test_nemenyi_agrees_with_scikit_posthocs() -> None:
    """As in scikit-posthocs 0.17.1, posthoc_nemenyi_friedman."""
    found = nemenyi_test(TREES)
    assert found[0, 1:] == pytest.approx([0.08867, 0.97169, 0.06168], abs=1e-5)
    assert (found[1, 2], found[1, 3], found[2, 3]) == pytest.approx((0.22670, 0.99888, 0.17005), abs=1e-5)


def test_pairs_agree_with_scikit_posthocs() -> None:
    """As in scikit-posthocs 0.17.1, posthoc_wilcoxon with Holm's correction, on scores without ties: exact."""
    table = np.array(
        [
            [0.71, 0.80, 0.705],
            [0.62, 0.65, 0.60],
            [0.90, 0.93, 0.95],
            [0.55, 0.66, 0.58],
            [0.81, 0.87, 0.88],
            [0.40, 0.57, 0.391],
        ]
    )
    exact = [wilcoxon_test(table[:, i] - table[:, j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert exact == pytest.approx([0.03125, 0.4375, 0.15625])
    assert pairwise_wilcoxon_test(table)[0] == pytest.approx([1.0, 0.09375, 0.4375])
    assert pairwise_wilcoxon_test(table)[1, 2] == pytest.approx(0.3125)


def test_skillings_mack_agrees_with_the_published_example() -> None:
    """Skillings & Mack 1981 (and R's Skillings.Mack): 15.493 with 3 degrees of freedom, p = 0.00144."""
    found = skillings_mack_test(ASSEMBLY)
    assert found.statistic == pytest.approx(15.493, abs=5e-4)
    assert found.p_value == pytest.approx(0.00144, abs=5e-6)


def test_skillings_mack_without_holes_is_friedmans() -> None:
    """With no hole and no tie the statistic is Friedman's chi-square: 6.0 for three models always in one order."""
    found = skillings_mack_test([[3.0, 2.0, 1.0], [0.9, 0.5, 0.1], [30.0, 20.0, 10.0]])
    assert found.statistic == pytest.approx(6.0)


def test_mcnemar_agrees_with_statsmodels() -> None:
    """As in statsmodels 0.15.0: exact 0.041389 for 5 against 15, corrected chi-square 0.008712 for 12 against 30."""
    for only, other, expected in ((5, 15, 0.04138946533203125), (12, 30, 0.008711912962379598)):
        right, other_right = [1] * only + [0] * other, [0] * only + [1] * other
        assert mcnemar_test(right, other_right) == pytest.approx(expected)
        assert mcnemar_test(other_right, right) == pytest.approx(expected)
    assert mcnemar_test([1, 0, 1], [1, 0, 1]) == 1


def test_holm_leaves_out_what_is_unknown() -> None:
    """0.01, 0.04, 0.03 become 0.03, 0.06, 0.06 (Holm 1979); a NaN stays one and does not count."""
    assert adjust_by_holm([0.01, 0.04, np.nan, 0.03]) == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_turning_the_differences_turns_the_answer(scale: float) -> None:
    """Who is called first changes signs and sides alone, on every scale."""
    one, other = (corrected_t_test(sign * scale * FOLDS, test_fraction=0.1) for sign in (1, -1))
    assert one.p_value == pytest.approx(other.p_value)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    first, second = (
        bayesian_correlated_t_test(sign * scale * FOLDS, test_fraction=0.1, rope=0.01 * scale) for sign in (1, -1)
    )
    assert (first.worse, first.better) == pytest.approx((second.better, second.worse))
    assert wilcoxon_test(scale * FOLDS) == pytest.approx(wilcoxon_test(-scale * FOLDS))


def test_identical_scores_show_no_difference() -> None:
    """Where all differences are zero, no test rejects, no interval has a width, and all mass is equivalent."""
    zero = np.zeros(10)
    found = corrected_t_test(zero, test_fraction=0.1)
    assert (found.p_value, found.low, found.high) == (1, 0, 0)
    assert bayesian_correlated_t_test(zero, test_fraction=0.1, rope=0.01).equivalent == 1
    assert wilcoxon_test(zero) == 1
    assert bayesian_signed_rank_test(zero, rope=0.01, seed=0).equivalent == 1
    same = np.full((6, 4), 0.5)
    assert friedman_test(same).p_value == 1
    assert (pairwise_wilcoxon_test(same) == 1).all()
    assert skillings_mack_test(same).p_value == pytest.approx(1)
    assert (
        summarise_bootstrap(0.0, bootstrap_differences(mean_of(np.zeros(50)), np.arange(50), seed=0), n=50).p_value == 1
    )


def test_other_names_change_nothing() -> None:
    """The order of models and of data sets changes no answer beyond its own order."""
    models, sets = np.array([2, 0, 3, 1]), np.random.default_rng(0).permutation(len(TREES))
    turned = TREES[sets][:, models]
    assert friedman_test(turned).p_value == pytest.approx(friedman_test(TREES).p_value)
    assert friedman_test(turned).mean_ranks == pytest.approx(friedman_test(TREES).mean_ranks[models])
    assert pairwise_wilcoxon_test(turned) == pytest.approx(pairwise_wilcoxon_test(TREES)[np.ix_(models, models)])
    assert nemenyi_test(turned) == pytest.approx(nemenyi_test(TREES)[np.ix_(models, models)])
    holes = skillings_mack_test(ASSEMBLY[::-1][:, models])
    assert holes.p_value == pytest.approx(skillings_mack_test(ASSEMBLY).p_value)


def test_correction_never_adds_significance() -> None:
    """The corrected test is more careful than the plain one, the more so the larger the test part."""
    from scipy import stats

    plain = float(stats.ttest_1samp(FOLDS, 0).pvalue)
    p_values = [
        corrected_t_test(FOLDS, test_fraction=train_fraction).p_value for train_fraction in (0.01, 0.1, 0.2, 0.5)
    ]
    assert [plain, *p_values] == sorted([plain, *p_values])


def test_folds_to_separate() -> None:
    """A clear difference is separated already, a vague one by more folds, and a lost one by no number of them."""
    noise = np.array([0.01, -0.01] * 5)
    assert count_folds_to_significance(FOLDS, test_fraction=0.1) == len(FOLDS)  # p = 0.047 as it is
    needed = count_folds_to_significance(noise + 0.0075, test_fraction=0.1)
    assert needed is not None
    assert needed > 10
    assert count_folds_to_significance(noise + 0.001, test_fraction=0.1) is None
    longer = np.tile(noise + 0.0075, needed // 10 + 1)[:needed]
    assert (
        corrected_t_test(longer, test_fraction=0.1).p_value < 0.06
    )  # the spread of the longer series differs a little


def test_one_fold_is_no_test() -> None:
    """A single difference has no p-value, and says so."""
    found = corrected_t_test([0.1], test_fraction=0.2)
    assert math.isnan(found.p_value)
    assert found.low == -math.inf


@pytest.mark.parametrize(
    ("differences", "train_fraction", "message"),
    [
        ([], 0.1, "at least one"),
        ([0.1, np.nan], 0.1, "finite"),
        ([0.1, 0.2], 0.0, "between 0 and 1"),
        ([[0.1]], 0.1, "one dimension"),
    ],
)
def test_bad_input_is_refused(differences: list[float], train_fraction: float, message: str) -> None:
    """Holes, empty input and shares that are none are refused, not averaged over."""
    with pytest.raises(ValueError, match=message):
        corrected_t_test(differences, test_fraction=train_fraction)


def test_too_few_data_sets_can_never_be_significant() -> None:
    """Five data sets give 0.0625 at best: what the signed-rank test can reach is known beforehand."""
    assert smallest_p_value(5) == pytest.approx(wilcoxon_test([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert smallest_p_value(6) == pytest.approx(0.03125)


def test_groups_are_the_largest_runs_without_a_difference() -> None:
    """Groups follow the mean ranks, overlap where they must, and never hold a pair that differs."""
    p_values = np.ones((4, 4))
    for i, j in ((0, 2), (0, 3), (1, 3)):
        p_values[i, j] = p_values[j, i] = 0.01
    assert find_homogeneous_groups([1.0, 2.0, 3.0, 4.0], p_values) == [(0, 1), (1, 2), (2, 3)]
    assert find_homogeneous_groups([4.0, 3.0, 2.0, 1.0], p_values) == [(3, 2), (2, 1), (1, 0)]
    assert find_homogeneous_groups([1.0, 2.0, 3.0, 4.0], np.ones((4, 4))) == [(0, 1, 2, 3)]
    assert find_homogeneous_groups([1.0, 2.0], np.zeros((2, 2))) == []


def test_ranks_share_ties_and_skip_holes() -> None:
    """The best is 1; ties take the mean of their ranks; a hole has none."""
    assert rank_models([[0.9, 0.8, 0.8, np.nan]])[0] == pytest.approx([1, 2.5, 2.5, np.nan], nan_ok=True)


def test_bootstrap_covers_a_known_mean() -> None:
    """The interval of a mean difference is near the normal one; blocks of dependent rows make it wider."""
    random = np.random.default_rng(0)
    values = random.normal(0.1, 1, 400)
    found = summarise_bootstrap(values.mean(), bootstrap_differences(mean_of(values), np.arange(400), seed=1), n=400)
    half = 1.96 * values.std(ddof=1) / 20
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    walk = np.convolve(random.normal(0, 1, 409), np.ones(10) / 10, mode="valid")
    single, blocks = (bootstrap_differences(mean_of(walk), np.arange(400), seed=1, block=block) for block in (1, 20))
    assert blocks.std() > 1.5 * single.std()
    assert block_length(1000) == 10


def test_rows_of_a_unit_are_drawn_together() -> None:
    """Ten rows at each of forty times say no more than one at each."""
    values = np.random.default_rng(0).normal(0.1, 1, 40)
    alone = bootstrap_differences(mean_of(values), np.arange(40), seed=1)
    panel = bootstrap_differences(mean_of(np.repeat(values, 10)), np.repeat(np.arange(40), 10), seed=1)
    apart = bootstrap_differences(mean_of(np.repeat(values, 10)), np.arange(400), seed=1)
    assert panel == pytest.approx(alone)
    assert apart.std() < 0.5 * panel.std()


def test_bootstrap_does_not_depend_on_what_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many resamples come in pieces; each row is drawn once on average in all of them."""
    monkeypatch.setattr("bakeoff.reports.statistics.rows.MAX_COUNTS", 350)
    values = np.arange(100.0)
    draws = bootstrap_differences(mean_of(values), np.arange(100), seed=1, resamples=500)
    assert draws.shape == (500,)
    assert draws.mean() == pytest.approx(49.5, abs=0.5)
    assert len(set(draws)) > 400


def test_p_value_agrees_with_the_interval_and_has_a_tail() -> None:
    """It is below 0.05 where the interval leaves zero out, and falls on where no resample comes to zero."""
    random = np.random.default_rng(0)
    for mean in (1.0, 1.8, 2.1, 3.0):
        found = summarise_bootstrap(mean, random.normal(mean, 1, 2000), n=100)
        assert (found.p_value < 0.05) == (found.low > 0)
    far = summarise_bootstrap(6.0, random.normal(6, 1, 2000), n=100)
    assert far.p_value == pytest.approx(2e-9, rel=1)
    assert summarise_bootstrap(0.0, np.zeros(2000), n=100).p_value == 1


def test_bootstrap_keeps_its_level() -> None:
    """On noise it rejects about one time in twenty; on dependent noise blocks come near that, single rows do not."""
    random, rejected = np.random.default_rng(0), np.zeros(3)
    for _ in range(200):
        noise = random.normal(size=304)
        smooth = noise[:-4] + noise[2:-2] + noise[4:]
        for place, (values, block) in enumerate(((noise[:300], 1), (smooth, 7), (smooth, 1))):
            draws = bootstrap_differences(mean_of(values), np.arange(300), seed=1, block=block, resamples=500)
            rejected[place] += summarise_bootstrap(values.mean(), draws, n=300).p_value < 0.05
    independent, in_blocks, row_by_row = rejected / 200
    assert 0.01 < independent < 0.1
    assert in_blocks < 0.15
    assert row_by_row > 0.2


def test_shares_of_draws_add_up() -> None:
    """Draws below, within and above the region of equivalence are its posterior."""
    found = bootstrap_posterior(np.array([-0.2, -0.01, 0.0, 0.01, 0.1, 0.2, np.nan]), rope=0.01)
    assert (found.worse, found.equivalent, found.better) == pytest.approx((1 / 6, 3 / 6, 2 / 6))


def test_many_rows_have_fewer_resamples() -> None:
    """A second's work is the same for any number of rows, down to 500 resamples."""
    assert [count_resamples(rows) for rows in (10, 5_000, 10_000, 10**6)] == [2000, 2000, 1000, 500]


def test_bootstrap_that_is_mostly_undefined_says_so() -> None:
    """A score that most resamples do not have gives no interval and no p-value."""
    draws = bootstrap_differences(lambda counts: np.where(counts.max(axis=0) < 2, 0.1, np.nan), np.arange(30), seed=0)
    assert math.isnan(summarise_bootstrap(0.1, draws, n=30).p_value)


def test_standings_of_a_model_that_always_wins() -> None:
    """It ranks first, wins all duels, and is rated highest, in every resample; ratings have the mean 1000."""
    random = np.random.default_rng(0)
    table = random.uniform(0, 0.5, (12, 3))
    table[:, 1] += 0.5
    found = bootstrap_ranks(table, seed=0)
    assert found.mean_rank[:, 1] == pytest.approx([1, 1, 1])
    assert found.win_rate[:, 1] == pytest.approx([1, 1, 1])
    assert found.win_rate[0].mean() == pytest.approx(0.5)
    assert found.elo[0].argmax() == 1
    assert np.isfinite(found.elo).all()
    assert found.elo[0].mean() == pytest.approx(1000)
    assert (found.elo[1] <= found.elo[0]).all()
    assert (found.elo[0] <= found.elo[2]).all()
