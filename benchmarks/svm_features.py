"""What features are worth to an SVM, and what they cost.

`python -m benchmarks.svm_features MANIFEST` (of real corpora) hears each clip as the study's SVMs
do (trimmed of silence, cut at 3.375 s), computes each set of features, and prints the UAR of each
domain trained on itself, averaged over its speaker-independent folds: of the study's own SVM, which
chooses C and gamma by inner folds, and of one with C = 10 and gamma = 0.3 / features. `is10` is
left out where openSMILE is not installed. Last come the processor times a clip.

`--inner` sets each test fold aside and tests on the next one: choices are made there.
"""

import argparse
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("manifest", help="of `ser corpora index`")
    parser.add_argument("--features", help="a list, for example functionals; all by default")
    parser.add_argument("--inner", action="store_true", help="leave the test folds alone")
    arguments = parser.parse_args()

    import numpy as np
    import tensorflow as tf
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from corpora import manifest
    from modules.audio import loading, network_input
    from modules.audio.samples import encode_pcm16
    from modules.baselines import svm
    from modules.baselines.features import FEATURE_SETS
    from modules.metrics.uar import best_of, unweighted_average_recall
    from modules.study.cells import Split
    from schemas.errors import UserError
    from schemas.sound import INPUT_SAMPLES
    from schemas.splits import NUM_FOLDS, SPEAKER_INDEPENDENT

    def waveform(utterance) -> np.ndarray:
        with open(utterance.path, "rb") as file:
            heard = loading.load(file.read(), start_s=utterance.start_s, end_s=utterance.end_s)
        # As AudioExampleGen stores it.
        samples = network_input.decode_pcm16(tf.constant(encode_pcm16(heard)))
        return network_input.trim_silence(samples)[:INPUT_SAMPLES].numpy()

    indexed = manifest.read(arguments.manifest)
    utterances, label_set = indexed.utterances, indexed.labels
    waveforms = [waveform(utterance) for utterance in utterances]
    duration_s = np.mean([len(each) for each in waveforms]) / 16_000
    print(f"{len(waveforms):,} clips, {duration_s:.2f} s on average")
    labels = np.array([label_set.index(utterance.emotion) for utterance in utterances])
    domains = np.array([utterance.domain for utterance in utterances])
    speakers = np.array([utterance.speaker for utterance in utterances])
    folds = np.array([utterance.fold(SPEAKER_INDEPENDENT) for utterance in utterances])
    splits = [(Split.inner if arguments.inner else Split.outer)(fold) for fold in range(NUM_FOLDS)]

    def tuned(features: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        machine = svm.fit(
            features, labels, label_count=len(label_set), train=train, groups=speakers, seed=0
        )
        return best_of(machine.scores(features[test]), np.unique(labels[train]))

    def fixed(features: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        machine = make_pipeline(StandardScaler(), SVC(C=10, gamma=0.3 / features.shape[1]))
        return machine.fit(features[train], labels[train]).predict(features[test])

    machines = {"C and gamma by inner folds": tuned, "C = 10, gamma = 0.3 / features": fixed}
    chosen = (arguments.features or ",".join(FEATURE_SETS)).split(",")
    cost_s: dict[str, float] = {}
    for name in chosen:
        try:
            FEATURE_SETS[name].require()
        except UserError as error:
            print(f"{name}: left out ({error})")
            continue
        FEATURE_SETS[name].extract(waveforms[:1])
        started_s = time.process_time()
        features = FEATURE_SETS[name].extract(waveforms)
        cost_s[name] = (time.process_time() - started_s) / len(waveforms)
        for words, machine in machines.items():
            averages = {}
            for domain in indexed.domains:
                uars = []
                for split in splits:
                    train, test = (
                        np.flatnonzero((domains == domain) & np.isin(folds, part))
                        for part in (split.train, [split.test])
                    )
                    answers = machine(features, train, test)
                    uars.append(unweighted_average_recall(labels[test], answers))
                averages[domain] = np.mean(uars)
            each = ", ".join(f"{domain} {uar:.3f}" for domain, uar in averages.items())
            mean = np.mean(list(averages.values()))
            print(
                f"{name} ({features.shape[1]:,}), {words}: {each}, average {mean:.3f}", flush=True
            )
    for name, seconds in cost_s.items():
        ratios = [
            f"{seconds / other:.2f} of {theirs}"
            for theirs, other in cost_s.items()
            if theirs != name
        ]
        print(f"{name}: " + ", ".join([f"{1000 * seconds:.1f} ms of CPU a clip", *ratios]))


if __name__ == "__main__":
    main()
