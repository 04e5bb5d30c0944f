"""The paper's own numbers."""

from pipeline.reports.study import paper


def test_the_papers_numbers_are_complete():
    assert set(paper.TABLE_2) == set(paper.TT)
    # Table 3's best columns as the paper names them: A2 under S1 on average.
    averages = {
        (scenario, approach): paper.average_gain(scenario, approach)[0]
        for scenario in ("S1", "S2")
        for approach in ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8")
    }
    assert max(averages, key=averages.__getitem__) == ("S1", "A2")
