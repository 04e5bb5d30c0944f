"""The paper's baselines: SVM on INTERSPEECH 2010 features (Table 2) and Adaptive SVM (Table 5)."""
