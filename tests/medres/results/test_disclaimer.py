from medres.results.disclaimer import DISCLAIMER, Stamp


def test_disclaimer_is_the_exact_sentence():
    assert DISCLAIMER == "Research use only. Not a medical device; not for diagnosis or treatment decisions."


def test_stamp_names_model_version_and_day():
    assert Stamp("nodule", "1.2", "2026-01-31").line == "nodule 1.2 · 2026-01-31"


def test_stamp_without_a_model_gives_only_the_day():
    assert Stamp(date="2026-01-31").line == "2026-01-31"
