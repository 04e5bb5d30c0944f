"""The paper's baselines, SVM (Table 2) and Adaptive SVM (Table 5), and the features they take."""
