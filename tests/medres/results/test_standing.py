from medres.classifier import load_classifier
from medres.models.trained_model import load_trained_model, save_trained_model
from medres.results.standing import find_standing


def test_a_score_is_placed_among_the_models_own_validation_scores(tiny_ct):
    model = load_trained_model(tiny_ct)
    point = model.spec.operating_points["balanced"]
    standing = find_standing(model, point.threshold)
    assert (standing.n_positive, standing.n_negative) == (4, 4)
    assert (standing.positives_below, standing.negatives_below) == (0, 4)
    assert sum(standing.positive_counts) == sum(standing.negative_counts) == 4
    assert sum(standing.negative_counts[:10]) == 4


def test_without_a_score_only_the_counts_are_given(tiny_ct):
    standing = find_standing(load_classifier(tiny_ct).model, None)
    assert standing.positives_below is None
    assert standing.n_positive == 4


def test_a_model_without_validation_scores_says_so(tiny_ct, tmp_path):
    model = load_trained_model(tiny_ct)
    bare = save_trained_model(tmp_path / "bare", model.spec, model.state_dict)
    assert find_standing(bare, 0.5) is None
