"""The sentences on a comparison: what they say follows from the numbers they are given."""

from typing import Any

import pytest
from markup import Elements

from galaxy_morphology.report import conclusion

from .conclusions import conclusion_of, standing
from .test_summary import score

EVIL = "<script>alert(1)</script>"


def said(**changes: Any) -> str:
    return " ".join(Elements(conclusion(conclusion_of(**changes))).text.split())


def test_it_names_the_best_and_how_it_stands_to_the_reference() -> None:
    words = said()
    assert "Of 15 classifiers, wide grey has the highest ROC AUC on 1,234 test galaxies:" in words
    assert "galaxies: 0.960 (0.940-0.980), with the probabilities of 3 seeds averaged." in words
    assert "One seed alone has 0.950 ± 0.004, the mean and standard deviation of 3." in words
    assert "Its accuracy is 0.860 (0.840-0.880)." in words
    assert "The reference, compact, has 0.950 (0.930-0.970)." in words
    assert "same galaxies is +0.010 (-0.010 to +0.030), which may be chance." in words
    assert "With 2 of 3 seeds, wide grey is the better one." in words


def test_it_says_what_the_best_baseline_reaches() -> None:
    words = said()
    assert "best of 9 classical baselines, random forest both, has a ROC AUC of 0.900" in words
    assert "same galaxies is -0.050 (-0.070 to -0.030), more than chance." in words
    assert "None was compared." in said(baseline=None, n_baselines=0)


def test_it_allows_for_having_chosen_and_for_many_differences() -> None:
    words = said()
    assert "The best was chosen on these galaxies" in words
    assert "Of 14 differences from the reference, about 0.7 would" in words  # 14 times 5 %
    assert "chosen on these" not in said(n_entries=2)


@pytest.mark.parametrize("area", [0.94, 0.95])
def test_the_reference_is_the_best_where_nothing_is_better(area: float) -> None:
    words = said(rival=standing("wide_grey", area, area - 0.95))
    assert "Of 15 classifiers, compact has the highest" in words
    assert f"The best is the reference itself. Next comes wide grey with {area:.3f}" in words


def test_one_seed_and_unknown_intervals_are_said_to_be_such() -> None:
    unknown = standing("wide", 0.96, 0.01) | {"difference": score(0.01), "mean": None}
    words = said(n_seeds=1, rival=unknown)
    assert "0.960 (0.940-0.980), with one seed." in words
    assert "same galaxies is +0.010 (no interval)." in words
    assert "seeds" not in words.split("How to read it")[0]
    words = said(decided_by="accuracy", rival=None, n_entries=1)
    assert "compact has the highest accuracy" in words
    assert "The best is the reference itself, and there is no other." in words
    assert "has an accuracy of 0.800" in words


def test_names_are_text() -> None:
    given = conclusion_of(rival=standing(EVIL, 0.96, 0.01), reference=standing(EVIL, 0.9, 0.0))
    found = Elements(conclusion(given))
    assert EVIL in found.text
    assert found.all("script") == []
