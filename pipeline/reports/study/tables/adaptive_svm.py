"""Table 5: the multi-domain network against Adaptive SVM."""

from modules.baselines.features import FEATURE_SETS, IS10
from pipeline.reports.study import paper
from pipeline.reports.study.inference import compare
from pipeline.reports.study.layout import Column, Entry, Table
from pipeline.reports.study.results import Results
from pipeline.reports.study.series import adapted, adaptive_svm, relative_gain
from pipeline.reports.study.tables.remarks import table
from pipeline.reports.study.tables.rows import averages, own_row


def table_5(results: Results, protocol: str) -> Table:
    """Returns S1-A2 beside Adaptive SVM, with the relative gain."""
    columns = [
        Column(key="Adaptive SVM", name="Adaptive SVM", measure="uar"),
        Column(key="S1-A2", name="S1-A2 network", measure="uar"),
        Column(key="gain", name="relative gain", measure="gain"),
    ]
    own = []
    for target in results.design.targets:
        svm = adaptive_svm(results, protocol, target)
        network = adapted(results, protocol, target, "S1", "A2")
        entries = {
            "Adaptive SVM": Entry(value=svm.mean, series=svm),
            "S1-A2": Entry(value=network.mean, series=network),
            "gain": Entry(
                value=relative_gain(network, svm),
                series=network,
                reference=svm,
                comparison=compare(network, svm),
            ),
        }
        own.append(own_row(target, entries, rank=["Adaptive SVM", "S1-A2"]))
    low, high = (f"{gain:.1%}" for gain in paper.TABLE_5_GAINS)
    features = results.design.baselines[0]
    return table(
        results,
        number=5,
        title="The multi-domain network against Adaptive SVM",
        caption="UAR, and the network's relative gain over Adaptive SVM. The paper's gains run from"
        f" {low} to {high}.",
        protocol=protocol,
        head="target",
        columns=columns,
        rows=[*own, *averages(own, columns)],
        domains=results.design.targets,
        notes=[f"Adaptive SVM's features: {FEATURE_SETS[features].summary}."]
        if features != IS10
        else (),
    )
