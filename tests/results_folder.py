"""A small folder of results, made as `medres score` leaves it: scans, a tiny model, a ledger of five series."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from medres.classifier import Classifier, Prediction, load_classifier
from medres.io import find_series, read_series
from medres.io.nifti_writing import write_volume
from medres.ledger import Ledger, LedgerRow
from medres.volume import Volume
from tests.tiny_models import ct_volume, tiny_ct_model

LESIONS = {"a": (-20.0, 12.0, 8.0), "b": None, "c": (16.0, -20.0, -12.0)}


def build_results(folder: Path) -> Path:
    """Make FOLDER/scans, FOLDER/model and FOLDER/results; gives the last."""
    scans, results = folder / "scans", folder / "results"
    scans.mkdir(parents=True)
    for number, (name, place) in enumerate(LESIONS.items()):
        write_volume(ct_volume(number, place), scans / f"{name}.nii.gz")
    write_volume(_empty_box(), scans / "d.nii.gz")
    (scans / "e.nii").write_bytes(b"no scan")
    classifier = load_classifier(tiny_ct_model(folder / "model"))
    with closing(Ledger(results / "ledger.sqlite")) as ledger:
        ledger.set_fact("folder", "../scans")
        ledger.set_fact("model_folder", "../model")
        for series in find_series(scans, modality="CT").series:
            ledger.record(_row(classifier, series, scans))
    return results


def _empty_box() -> Volume:
    """A volume unlike any that the model knows."""
    return Volume(np.full((32, 32, 24), 3000, np.int16), np.diag([-3.0, -3, 4, 1]), "CT", "HU")


def _row(classifier: Classifier, series, scans: Path) -> LedgerRow:
    place = str(series.paths[0].relative_to(scans))
    if series.verdict == "refused":
        model = classifier.model.digest
        message = "the file cannot be read as NIfTI"
        return LedgerRow(
            series.key, model, "c" * 64, "refused", code=series.codes[0], message=message, relative_path=place
        )
    return _scored(series.key, place, classifier.predict(read_series(series, modality="CT")))


def _scored(key: str, place: str, said: Prediction) -> LedgerRow:
    outside = said.decision == "out_of_scope"
    return LedgerRow(
        key,
        said.model_digest,
        said.configuration_digest,
        "out_of_scope" if outside else "warned" if said.warnings else "ok",
        code=said.code,
        message=said.reason,
        modality="CT",
        decision=said.decision,
        probability=said.probability,
        probabilities=dict(said.probabilities),
        positive_label=said.positive_label,
        operating_point=said.operating_point.name if said.operating_point else "",
        threshold=said.threshold,
        coverage=said.coverage,
        warnings=said.warnings,
        scan_digest=said.scan_digest,
        model_name=said.model_name,
        model_version=said.model_version,
        relative_path=place,
    )
