"""Evaluation -> sentences, as the results section of a paper has them.

Every number in a sentence stands in the JSON too. Knows no page.
"""

from __future__ import annotations

from medres.evaluation.estimate import Estimate
from medres.evaluation.summary import Evaluation, PointResult
from medres.results.evaluation_setting import EvaluationSetting
from medres.results.evaluation_tables import say_count, say_interval, say_method, say_name, say_number


def say_inline(name: str, estimate: Estimate, level: float) -> str:
    """Word a number for running text.

    Example:
        >>> say_inline("AUROC", Estimate(0.9, 0.8, 0.95), 0.95)
        'AUROC 0.900 (95 % CI 0.800 to 0.950)'
    """
    if estimate.value is None:
        return f"{name} undefined ({estimate.reason})"
    inner = say_interval(estimate)
    interval = f" ({level * 100:.3g} % CI {inner})" if inner else " (no interval)"
    counted = (
        f" ({estimate.x}/{estimate.n}; {level * 100:.3g} % CI {inner})" if estimate.x is not None and inner else ""
    )
    return f"{name} {say_number(estimate.value)}{counted or interval}"


def join(parts: list[str]) -> str:
    """Join clauses with commas and an "and".

    Example:
        >>> join(["a", "b", "c"])
        'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def summary_sentences(evaluation: Evaluation, setting: EvaluationSetting) -> list[str]:
    """The paragraph that a reader reads when reading nothing else."""
    level, cases = evaluation.plan.level, evaluation.cases
    patients = f" of {cases.n_patients} patients" if cases.patients is not None else ""
    said = [
        f"{setting.flow.analysed} of {setting.flow.received} scans{patients} were analysed, "
        f"{cases.n_positive} of them {setting.positive} "
        f"(prevalence {say_number(evaluation.discrimination['prevalence'].value)}).",
        f"{say_inline('The AUROC was', evaluation.discrimination['auroc'], level)}.",
    ]
    if evaluation.default:
        point = evaluation.points[evaluation.default]
        rates = join([say_inline(name, point.rates[name], level) for name in ("sensitivity", "specificity")])
        said.append(f"At the threshold {say_number(point.threshold.value)} ({threshold_origin(point)}): {rates}.")
    if evaluation.calibration and evaluation.calibration["slope"].defined:
        slope, large = evaluation.calibration["slope"], evaluation.calibration["citl"]
        said.append(
            f"{say_inline('Calibration slope', slope, level)}, {say_inline('calibration in the large', large, level)}."
        )
    for patient in list(evaluation.patients.values())[:1]:
        said.append(f"{say_inline(f'Per patient (rule: {patient.rule}) the AUROC was', patient.auroc, level)}.")
    return said


def cases_words(evaluation: Evaluation, setting: EvaluationSetting) -> str:
    """Say how many cases, and how many of them positive, a table stands on.

    Returns:
        Such as "127 scans of 99 patients, 35 malignant".
    """
    cases = evaluation.cases
    patients = f" of {cases.n_patients} patients" if cases.patients is not None else ""
    return f"{cases.n} scans{patients}, {cases.n_positive} {setting.positive}"


def independence_words(evaluation: Evaluation) -> str:
    """Say that intervals of a table take scans as independent, where patients have several."""
    return "; scans taken as independent" if evaluation.cases.clustered else ""


def patients_words(evaluation: Evaluation) -> str:
    """Say how many patients there are and how many of them are positive, by any scan."""
    first = next(iter(evaluation.patients.values())).auroc
    ill = "" if first.n_positive is None else f", {first.n_positive} of them positive"
    return f"{first.n} patients{ill}"


def threshold_origin(point: PointResult) -> str:
    """Say by which rule and on which data a threshold was chosen."""
    threshold = point.threshold
    if threshold.source == "stated beforehand":
        return "stated beforehand"
    where = "the model's validation data" if threshold.source == "the model" else threshold.source
    return f"chosen by the rule “{threshold.rule}” on {where}"


def flow_sentences(setting: EvaluationSetting) -> list[str]:
    """Say what became of the scans that were received."""
    flow = setting.flow
    lost = flow.received - flow.analysed
    if not lost:
        said = [f"All {flow.received} scans could be read and scored."]
    else:
        reasons = [f"{sum(codes.values())} {fate}" for fate, codes in flow.reasons.items()]
        said = [f"{lost} of {flow.received} scans got no score: {join(reasons)}."]
    if flow.indeterminate:
        said.append(
            f"{flow.indeterminate} scored scans lay in the indeterminate band; they are part of every analysis of "
            "scores, and decisions at the threshold count them too."
        )
    return said


def gate_sentence(setting: EvaluationSetting, level: float) -> str:
    """Say how many readable scans the gate kept from the model."""
    refused = setting.gate["out_of_scope"]
    if not refused.x:
        return f"None of {refused.n} readable scans was called out of scope."
    called = say_inline("Share of readable scans called out of scope", refused, level)
    return f"{called}; they got no probability, and the flow above gives their reasons."


def belonging_sentence(setting: EvaluationSetting, level: float) -> str:
    """Say whether scans that do not belong were tried, and how many of them were let through."""
    passed = setting.gate.get("accepted_out_of_scope")
    if passed is None:
        return (
            "Every scan of these data is taken to belong to the patients that the model is meant for, so each refusal "
            "is a lost answer; how many foreign scans the gate would let through is not tested here."
        )
    told = say_inline("Of scans that are marked as not in scope, the share accepted all the same was", passed, level)
    return f"{told}; these scans are left out of every other number."


def localisation_sentences(setting: EvaluationSetting, level: float) -> list[str]:
    """Say how often the hottest place lies on a lesion, what all marks find, and how marks were matched."""
    found, said = setting.localisation, []
    if "hit_rate" in found and found["hit_rate"].defined:
        blind = say_number(found["hit_rate_blind"].value)
        said.append(
            f"{say_inline('Share of scans with a lesion whose hottest place lies on it', found['hit_rate'], level)}; "
            f"a place drawn blindly would in {blind}."
        )
    if "lesions_marked" in found and found["lesions_marked"].defined:
        marked = say_inline("Share of lesions marked at all", found["lesions_marked"], level)
        said.append(f"{marked}, at {say_number(found['false_marks'].value)} false marks a scan.")
    if setting.froc and len(setting.froc["false_positives"]):
        most = say_number(max(setting.froc["false_positives"]))
        said.append(f"Beyond {most} false marks a scan no mark is left, and sensitivity stays as it is.")
    return [*said, f"How marks were matched: {setting.hit_rule}."] if setting.hit_rule else said


def abstention_sentence(evaluation: Evaluation, setting: EvaluationSetting) -> str:
    """Say which scores get no decision, and what that buys on the test data."""
    band, found, level = setting.band or (0.0, 0.0), evaluation.band, evaluation.plan.level
    if band[0] == band[1]:
        return "The rule chosen on validation data left no score undecided: the band is empty."
    where = (
        f"Scores from {say_number(band[0])} to below {say_number(band[1])} get no decision "
        f"(chosen on validation data{_promised(setting)})"
    )
    share = say_inline("the share answered was", found["answered"], level)
    error = say_inline("the error among them", found["error_answered"], level)
    return f"{where}. On these data {share} and {error}; {say_inline('of all it was', found['error_all'], level)}."


def _promised(setting: EvaluationSetting) -> str:
    """Say by which rule the band was chosen and what it gave there; empty where the model does not say."""
    told = {name: setting.training.get(f"abstention {name}", "") for name in ("rule", "coverage", "error", "n")}
    if not all(told.values()):
        return ""
    rule = told["rule"].replace("<=", " ≤ ")
    there = f"there the share answered was {told['coverage']} (n = {told['n']}) and the error {told['error']}"
    return f" by the rule “{rule}”: {there}"


def worst_case_sentence(setting: EvaluationSetting, level: float) -> str:
    """Say what the rates would be if every failure were an error."""
    if not setting.worst_case:
        return ""
    if setting.flow.received == setting.flow.analysed:
        return "No scan failed, so the worst case equals the primary analysis."
    rates = join([say_inline(name, setting.worst_case[name], level) for name in ("sensitivity", "specificity")])
    return f"If every scan without a score had been decided wrongly: {rates}."


def calibration_sentences(evaluation: Evaluation) -> list[str]:
    """Say whether the probabilities were too high, too low, too sure or too timid, and how sure that is."""
    large, slope = evaluation.calibration["citl"], evaluation.calibration["slope"]
    said = []
    if large.lower is not None and large.upper is not None:
        verdict = (
            "on average too high"
            if large.upper < 0
            else "on average too low"
            if large.lower > 0
            else "not shown to be off on average"
        )
        said.append(f"Probabilities were {verdict} (calibration in the large {say_number(large.value)}, 0 is right).")
    if slope.lower is not None and slope.upper is not None:
        verdict = (
            "too extreme"
            if slope.upper < 1
            else "too timid"
            if slope.lower > 1
            else "not shown to be too extreme or too timid"
        )
        said.append(f"They were {verdict} (slope {say_number(slope.value)}, 1 is right).")
    return said or ["Calibration is undefined here; the table says why."]


def utility_sentence(evaluation: Evaluation) -> str:
    """Say where acting on the model beats both acting on all and acting on none."""
    better = [p.threshold for p in evaluation.decisions if p.net_benefit > max(p.net_benefit_all, 0) + 1e-12]
    if not better:
        return "At no threshold probability did the model beat both acting on all and acting on none."
    span = f"{better[0]:.2f}" if len(better) == 1 else f"between {better[0]:.2f} and {better[-1]:.2f}"
    gaps = "" if len(better) == round((better[-1] - better[0]) * 100) + 1 else " (with gaps)"
    return f"The point estimate of net benefit beat acting on all and on none at threshold probabilities {span}{gaps}."


def subgroup_sentence(evaluation: Evaluation) -> str:
    """Say how far subgroups differ and how many are too small to tell."""
    known = [group for group in evaluation.subgroups if group.auroc.value is not None]
    small = sum(bool(group.flag) for group in evaluation.subgroups)
    if not known:
        return "No subgroup has both classes."
    low, high = (pick(known, key=lambda group: group.auroc.value or 0) for pick in (min, max))
    text = (
        f"AUROC ranged from {say_number(low.auroc.value)} ({low.column}: {low.value}) to "
        f"{say_number(high.auroc.value)} ({high.column}: {high.value})."
    )
    return f"{text} {small} of {len(evaluation.subgroups)} groups have fewer than 10 positives." if small else text


def estimate_rows(estimates: dict[str, Estimate], exact: dict[str, Estimate] | None = None) -> list[dict[str, str]]:
    """Lay numbers out for a table of a page: name, value, interval, exact interval, counts, method."""
    rows = []
    for name, one in estimates.items():
        other = (exact or {}).get(name)
        rows.append(
            {
                "name": say_name(name),
                "value": say_number(one.value) if one.defined else "undefined",
                "interval": say_interval(one) or ("" if one.defined else one.reason),
                "exact": say_interval(other) if other else "",
                "count": say_count(one),
                "method": say_method(one.method),
                "note": one.note,
            }
        )
    return rows
