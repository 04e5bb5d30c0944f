"""What SVM-IS owes to its scaling and its parameters.

`python -m benchmarks.svm_settings OUTPUT/store` reads the features `is10` and the folds that
`ser study` left in a store, and prints the UAR per domain, averaged over folds, of RBF machines
trained on all domains: scaled as the study's own baseline is, or as libsvm's tools do, or not, with
libsvm's parameters or a larger C. None is tuned; the study's baseline is, by inner folds.
"""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("store", type=Path, help="the store of a study with tables 2 or 5")
    store = parser.parse_args().store
    if not (store / "is10.npy").exists():
        parser.error(
            f"{store} has no is10.npy: run `ser study --tables 2 --baselines is10` into it first"
        )

    import numpy as np
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.svm import SVC

    from modules.metrics.uar import unweighted_average_recall
    from modules.study import clips
    from modules.study.cells import Split
    from schemas.splits import NUM_FOLDS, PROTOCOLS

    found = clips.load(store)
    features = np.load(store / "is10.npy")
    default = {"C": 1.0, "gamma": 1 / features.shape[1]}  # libsvm's
    machines = {
        "z-scored, C = 10": lambda: make_pipeline(StandardScaler(), SVC(**{**default, "C": 10.0})),
        "z-scored, libsvm's C and gamma": lambda: make_pipeline(StandardScaler(), SVC(**default)),
        "scaled to [-1, 1] (svm-scale), libsvm's C and gamma": lambda: make_pipeline(
            MinMaxScaler((-1, 1)), SVC(**default)
        ),
        "not scaled, libsvm's C and gamma": lambda: SVC(**default),
    }
    domains = found.domain_names()
    for protocol in PROTOCOLS:
        for name, machine in machines.items():
            uars: dict[str, list[float]] = {domain: [] for domain in domains}
            for split in map(Split.outer, range(NUM_FOLDS)):
                train = found.rows(protocol, domains=domains, folds=split.train)
                fitted = machine().fit(features[train], found.labels[train])
                for domain in domains:
                    tested = found.rows(protocol, domains=(domain,), folds=(split.test,))
                    answers = fitted.predict(features[tested])
                    uars[domain].append(unweighted_average_recall(found.labels[tested], answers))
            shown = ", ".join(f"{domain} {np.mean(uars[domain]):.3f}" for domain in domains)
            print(f"{protocol}, {name}: {shown}")


if __name__ == "__main__":
    main()
