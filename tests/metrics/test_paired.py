"""The tests of significance, held against simulated systems of which the truth is known."""

import numpy as np
import pytest
from scipy import stats

from rnncli.metrics import paired
from rnncli.metrics.confusion import label_figures
from rnncli.metrics.paired import Parts, difference, difference_by_seed, holm, randomisation, share

TRIALS = 400
LEVEL = 0.05


def f1(sums):
    return label_figures(sums[..., 0], sums[..., 1], sums[..., 2])[2]


def accuracy(right_N) -> Parts:
    return Parts(np.column_stack([right_N, np.ones(len(right_N))]).astype(float), share)


def correct(random, difficulty_N, skill: float):
    """Whether a system of this skill is right on each example: some are hard for all systems."""
    return random.random(len(difficulty_N)) < 1 / (1 + np.exp(difficulty_N - skill))


def two_systems(trial: int, gain: float, units: int = 200) -> tuple[Parts, Parts]:
    random = np.random.default_rng(trial)
    difficulty_N = random.normal(0, 2, units)
    return accuracy(correct(random, difficulty_N, 1)), accuracy(correct(random, difficulty_N, 1 + gain))


def spans(trial: int, gain: float) -> tuple[Parts, Parts]:
    random = np.random.default_rng(trial)
    truth_N = random.poisson(3, 150)
    found = []
    for rate in (0.7, 0.7 + gain):
        hits_N = random.binomial(truth_N, rate)
        found.append(Parts(np.column_stack([hits_N, hits_N + random.poisson(0.6, 150), truth_N]).astype(float), f1))
    return found[0], found[1]


def rejections(pairs) -> float:
    return float(np.mean([randomisation(*pair, rounds=499) <= LEVEL for pair in pairs]))


def near(level: float) -> float:
    """The most rejections in TRIALS, as a share, that a test of that level has but once in a thousand times."""
    return float(stats.binom.ppf(0.999, TRIALS, level)) / TRIALS


@pytest.mark.parametrize("systems", [two_systems, spans])
def test_randomisation_holds_its_level_where_the_systems_are_equally_good(systems):
    share_rejected = rejections(systems(trial, 0.0) for trial in range(TRIALS))
    assert share_rejected <= near(LEVEL)
    assert share_rejected >= 0.015  # and is not merely timid


@pytest.mark.parametrize(("systems", "gain"), [(two_systems, 0.9), (spans, 0.12)])
def test_randomisation_finds_an_effect_that_is_there(systems, gain):
    assert rejections(systems(trial, gain) for trial in range(100)) > 0.8


def test_randomisation_is_the_exact_test_of_mcnemar_for_accuracy():
    first = np.r_[np.ones(50), np.ones(4), np.zeros(15), np.zeros(31)]
    second = np.r_[np.ones(50), np.zeros(4), np.ones(15), np.zeros(31)]
    exact = stats.binomtest(4, 19, 0.5).pvalue
    found = randomisation(accuracy(first), accuracy(second), rounds=200_000)
    assert found == pytest.approx(exact, rel=0.05)


def test_units_drawn_together_are_swapped_as_if_drawn_one_by_one():
    a, b = spans(3, 0.05)
    random = np.random.default_rng(0)
    observed = abs(b.value() - a.value())
    reached = 0
    for _ in range(4000):
        swap_N1 = random.random((len(a.counts_NC), 1)) < 0.5
        one, other = np.where(swap_N1, b.counts_NC, a.counts_NC), np.where(swap_N1, a.counts_NC, b.counts_NC)
        reached += abs(f1(other.sum(0)) - f1(one.sum(0))) >= observed - 1e-12
    assert randomisation(a, b) == pytest.approx(reached / 4000, abs=0.03)


def seeded(random, difficulty_N, runs: int, gain: float = 0.0) -> list[Parts]:
    """Runs of one setting whose seeds make them better and worse, far more than chance in single answers."""
    return [accuracy(correct(random, difficulty_N, 1 + gain + random.normal(0, 0.5))) for _ in range(runs)]


def test_several_seeds_hold_the_level_where_seeds_matter_and_one_seed_would_not():
    several, single = [], []
    for trial in range(TRIALS):
        random = np.random.default_rng(trial)
        difficulty_N = random.normal(0, 2, 500)
        first, second = (seeded(random, difficulty_N, 3) for _ in range(2))
        found = difference(first, second, resamples=100)
        assert found.seeds
        several.append(found.p <= LEVEL)
        single.append(difference(first[:1], second[:1], resamples=100, rounds=199).p <= LEVEL)
    assert np.mean(several) <= near(LEVEL)
    assert np.mean(single) > 0.2


def test_several_seeds_find_an_effect_that_is_there():
    found = []
    for trial in range(100):
        random = np.random.default_rng(trial)
        difficulty_N = random.normal(0, 2, 500)
        pair = seeded(random, difficulty_N, 5), seeded(random, difficulty_N, 5, gain=1.5)
        found.append(difference(*pair, resamples=100).p <= LEVEL)
    assert np.mean(found) > 0.8


def by_seed(trial: int, gain: float) -> list[tuple[Parts, Parts]]:
    """Five seeds, each with test examples of its own."""
    random = np.random.default_rng(trial)
    difficulties = [random.normal(0, 2, 300) for _ in range(5)]
    return [(seeded(random, d_N, 1)[0], seeded(random, d_N, 1, gain)[0]) for d_N in difficulties]


def test_differences_seed_by_seed_hold_the_level_and_find_an_effect():
    null = [difference_by_seed(by_seed(trial, 0.0)).p <= LEVEL for trial in range(TRIALS)]
    assert 0.015 <= np.mean(null) <= near(LEVEL)
    assert np.mean([difference_by_seed(by_seed(trial, 2.0)).p <= LEVEL for trial in range(100)]) > 0.8


def test_differences_seed_by_seed_are_the_paired_t_test_of_scipy():
    pairs = by_seed(1, 0.3)
    values = np.array([[one.value() for one in pair] for pair in pairs])
    expected = stats.ttest_rel(values[:, 1], values[:, 0])
    found = difference_by_seed(pairs)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


@pytest.mark.parametrize("runs", [1, 3])
def test_the_interval_covers_the_true_difference_about_as_often_as_it_says(runs):
    gain = 0.6
    skills = np.random.default_rng(0).normal(0, 2, 400_000)
    noise = np.random.default_rng(1).normal(0, 0.0 if runs == 1 else 0.5, 400_000)
    true = float(np.mean(1 / (1 + np.exp(skills - 1 - gain - noise)) - 1 / (1 + np.exp(skills - 1 - noise))))
    covered = []
    for trial in range(300):
        random = np.random.default_rng(trial)
        difficulty_N = random.normal(0, 2, 400)
        if runs == 1:
            pair = [accuracy(correct(random, difficulty_N, 1))], [accuracy(correct(random, difficulty_N, 1 + gain))]
        else:
            pair = seeded(random, difficulty_N, runs), seeded(random, difficulty_N, runs, gain)
        found = difference(*pair, resamples=200, rounds=99)
        covered.append(found.low <= true <= found.high)
    assert 0.91 <= np.mean(covered) <= 0.995


def test_a_system_does_not_differ_from_itself():
    a, _ = two_systems(1, 0.0)
    found = difference([a], [a])
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    found = difference([a, a], [a, a])
    assert (found.value, found.p) == (0, 1)


def test_holm_gives_back_a_single_p_and_never_orders_them_anew():
    assert holm([0.03]) == [0.03]
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []


def test_the_interval_of_a_group_agrees_with_a_bootstrap_of_its_units():
    a, _ = two_systems(5, 0.0)
    low, high = a.interval(resamples=2000, confidence=0.9, seed=3)
    random = np.random.default_rng(0)
    right_N = a.counts_NC[:, 0]
    means = [right_N[random.integers(0, len(right_N), len(right_N))].mean() for _ in range(4000)]
    assert (low, high) == pytest.approx(np.quantile(means, [0.05, 0.95]), abs=0.012)


def test_many_units_are_drawn_in_fewer_rounds(monkeypatch):
    monkeypatch.setattr(paired, "affordable", lambda rounds, units: min(rounds, 200_000_000 // (units * 10_000)))
    counts = [np.column_stack([np.random.default_rng(seed).normal(0, 1, 250), np.ones(250)]) for seed in (0, 1)]
    p = randomisation(*(Parts(one, share) for one in counts))
    assert p * 81 == pytest.approx(round(p * 81))  # of 80 rounds
