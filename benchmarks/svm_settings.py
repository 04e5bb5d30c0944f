"""What SVM-IS owes to its scaling and its parameters.

`python -m benchmarks.svm_settings OUTPUT/store` reads the openSMILE features and folds that
`ser study` left in a store, and prints the UAR per domain, averaged over folds, of RBF machines
trained on all domains: as the study's own baseline scales and tunes them, and as libsvm comes.
"""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("store", type=Path, help="the store of a study with tables 2 or 5")
    store = parser.parse_args().store

    import numpy as np
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.svm import SVC

    from modules.baselines import svm
    from modules.features import NUM_FOLDS, PROTOCOLS
    from modules.study import clips
    from modules.uar import unweighted_average_recall

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
            for fold in range(NUM_FOLDS):
                train = found.rows(
                    protocol,
                    domains=domains,
                    folds=tuple(other for other in range(NUM_FOLDS) if other != fold),
                )
                fitted = machine().fit(features[train], found.labels[train])
                for domain in domains:
                    tested = found.rows(protocol, domains=(domain,), folds=(fold,))
                    answers = fitted.predict(features[tested])
                    uars[domain].append(unweighted_average_recall(found.labels[tested], answers))
            shown = ", ".join(f"{domain} {np.mean(uars[domain]):.3f}" for domain in domains)
            print(f"{protocol}, {name}: {shown}")
    print(f"(the study tunes C over {svm.C_GRID} and gamma over {svm.GAMMA_GRID} by inner folds)")


if __name__ == "__main__":
    main()
