"""Reporting guidelines -> for each item, where in the report it is answered, or that the authors must write it.

Items stand in our own short words; the published lists decide. Sources: CLAIM 2024 update (Tejani et al., Radiology AI
2024); STARD-AI (Sounderajah et al., Nat Med 2025), numbered as STARD 2015 (Cohen et al., BMJ Open 2016) with the
additions for AI marked so, as far as we know them; TRIPOD+AI (Collins et al., BMJ 2024).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

AUTHORS = "to be written by the authors"
SECTIONS = {
    "S": "summary",
    "F": "flow",
    "D": "discrimination",
    "O": "operating",
    "C": "calibration",
    "U": "utility",
    "G": "subgroups",
    "X": "failures",
    "L": "limits",
    "M": "methods",
    "P": "provenance",
    "B": "model",
    "T": "training",
    "V": "localisation",
    "A": "abstention",
    "E": "gate",
}

CLAIM = """
1 | Title or abstract names the AI methodology |
2 | Structured abstract |
3 | Scientific and clinical background, intended use | B
4 | Aims and hypotheses |
5 | Prospective or retrospective |
6 | Goal of the study |
7 | Data sources |
8 | Inclusion and exclusion criteria |
9 | Preprocessing of the data | T
10 | Selection of data subsets | F
11 | De-identification |
12 | Handling of missing and unreadable data | F X
13 | Protocol of image acquisition |
14 | Definition of the reference standard |
15 | Rationale for the reference standard |
16 | Source of annotations, qualifications of annotators |
17 | Annotation of the test set |
18 | Variability between and within annotators |
19 | How data were assigned to partitions | T
20 | Level at which partitions are disjoint (patient) | T
21 | Intended sample size, how it was determined |
22 | Description of the model, inputs and outputs | B
23 | Software, libraries, versions | T
24 | Initialisation of parameters | T
25 | Training: augmentation, hyperparameters, number of models | T
26 | How the final model was selected | T
27 | Ensembling |
28 | Metrics of performance | M
29 | Statistical measures of significance and uncertainty | M
30 | Robustness or sensitivity analysis | X
31 | Explainability methods | V
32 | Evaluation on internal data | D
33 | Testing on external data |
34 | Registration of a clinical trial |
35 | Flow of participants or images | F
36 | Demographic and clinical characteristics of each partition | G
37 | Performance on all partitions, with intervals | D O C
38 | Estimates of performance and their precision | S D O
39 | Failure analysis of misclassified cases | X
40 | Limitations | L
41 | Implications for practice |
42 | Full study protocol |
43 | Availability of software, model and data |
44 | Funding and the role of funders |
"""

STARD_AI = """
1 | Title: a study of diagnostic accuracy, with at least one measure |
2 | Structured abstract |
3 | Background, intended use and clinical role of the index test | B
4 | Objectives and hypotheses |
5 | Data collected before or after the tests |
6 | Eligibility criteria |
7 | How eligible participants were identified |
8 | Setting, places and dates |
9 | Consecutive, random or convenience series |
AI | Where the data come from, how they were collected, and what was left out | F
AI | Partitions and that no patient stands in two | T
10a | Index test in detail | B
10b | Reference standard in detail |
11 | Rationale for the reference standard |
12a | Cut-offs of the index test: pre-specified or explored | O
12b | Cut-offs of the reference standard |
AI | Version of the model, inputs, outputs, hardware and software | B T
AI | How the model meets the human reader |
13a | Were readers of the index test blind to the reference |
13b | Were assessors of the reference blind to the index test |
14 | Methods of estimating and comparing accuracy | M
15 | Indeterminate results of index test or reference | F O A
16 | Missing results of index test or reference | F X
17 | Variability in accuracy, pre-specified or exploratory | G
18 | Intended sample size |
19 | Flow of participants | F
20 | Baseline characteristics of participants | G
21a | Distribution of severity in those with the condition |
21b | Distribution of other diagnoses in those without |
22 | Time between index test and reference |
23 | Cross table of index test by reference | O
24 | Accuracy with its precision | S D O
25 | Adverse events |
AI | Performance in subgroups; algorithmic bias and fairness | G
AI | Analysis of errors and failures | X
26 | Limitations: bias, uncertainty, generalisability | L
27 | Implications for practice |
28 | Registration |
29 | Full protocol |
30 | Funding |
AI | Availability of model, code and data; commercial interests |
AI | Conditions of the model's licence | B
"""

TRIPOD_AI = """
1 | Title: development or evaluation of a prediction model |
2 | Abstract |
3 | Background, purpose, known health inequalities |
4 | Objectives |
5 | Data: sources and dates |
6 | Participants: setting, eligibility, treatments |
7 | Data preparation, quality checks | T
8 | Outcome, how and when it was assessed |
9 | Predictors |
10 | Sample size | F
11 | Missing data | F X
12a | How data were used in the analysis, partitioned | T
12b | Handling of predictors | T
12c | Type of model, building steps, internal validation | T
12d | Heterogeneity across clusters | G
12e | Measures and plots of performance: discrimination, calibration, utility | M
12f | Updating of the model |
12g | How predictions were calculated for the evaluation | B
13 | Class imbalance | D
14 | Fairness | G
15 | Output of the model, thresholds | O
16 | Differences between training and evaluation data |
17 | Ethical approval |
18 | Open science: funding, interests, protocol, registration, data, code |
19 | Patient and public involvement |
20a | Flow of participants | F
20b | Characteristics of participants | G
20c | Comparison with the development data |
21 | Numbers in each analysis | F
22 | The full model | B
23a | Performance with intervals, in key subgroups too | S D O C U G
23b | Heterogeneity between clusters | G
24 | Results of updating | C
25 | Interpretation |
26 | Limitations | L
27 | Usability: poor or missing input, human interaction, next steps | X E
"""

CHECKLISTS = {"CLAIM 2024": CLAIM, "STARD-AI": STARD_AI, "TRIPOD+AI": TRIPOD_AI}


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a guideline.

    Attributes:
        number: as published; `AI` for an addition of STARD-AI.
        text: in our short words.
        sections: anchors in the report that answer it, in order; empty when the authors must write it.
    """

    number: str
    text: str
    sections: tuple[str, ...]


def build_checklists(present: Collection[str]) -> dict[str, tuple[ChecklistItem, ...]]:
    """Answer every item with the sections that this report really has.

    Args:
        present: anchors of the report's sections.

    Returns:
        Items by guideline.

    Example:
        >>> build_checklists({"flow"})["CLAIM 2024"][9]
        ChecklistItem(number='10', text='Selection of data subsets', sections=('flow',))
    """
    return {
        name: tuple(_read_item(line, present) for line in text.strip().splitlines())
        for name, text in CHECKLISTS.items()
    }


def _read_item(line: str, present: Collection[str]) -> ChecklistItem:
    number, text, marks = (part.strip() for part in line.split("|"))
    named = (SECTIONS[mark] for mark in marks.split())
    return ChecklistItem(number, text, tuple(anchor for anchor in named if anchor in present))
