"""What Slurm's accounting prints is read as it is meant, and laid beside the plan. Needs no Slurm."""

import pandas as pd
import pytest
from accounting import against_plan, in_print, parse_usage, seconds

LISTED = """\
7|COMPLETED|90|2|01:10.500|
7.batch|COMPLETED|90|2|00:10.500|2048K
7.0|COMPLETED|80|2|01:00.000|1.50G
8|COMPLETED|10|1|00:03|
8.batch|COMPLETED|10|1|00:03|512M
"""


@pytest.mark.parametrize(
    ("text", "expected"), [("00:03.250", 3.25), ("01:02:03", 3723.0), ("2-00:00:01", 172801.0), ("00:00", 0.0)]
)
def test_durations(text, expected):
    assert seconds(text) == expected


def test_a_job_is_one_row_with_the_memory_of_its_largest_step():
    used = parse_usage(LISTED).set_index("job")
    assert used.loc["7"].to_dict() == {"state": "COMPLETED", "elapsed": 90, "cpus": 2, "used": 70.5, "memory": 1536}
    assert used.loc["8", ["used", "memory"]].tolist() == [3, 512]


def test_the_plan_and_the_accounts_stand_side_by_side():
    before = pd.DataFrame({"stage": ["labels", "training"], "rule": ["pool", "train"], "cpu_hours": [0.5, 2.0]})
    after = before.assign(cpu_hours=[0.01, 0.05], memory_mb_measured=[100.0, 700.0])
    used = parse_usage(LISTED).assign(rule=["train", "pool"], asked=[2000.0, 1000.0])
    table = against_plan(before, after, used).set_index("stage")
    assert table.loc["training"].tolist() == [1, 7200, 180, 180, 70.5, 2000, 700, 1536]
    assert table.loc["labels"].tolist() == [1, 1800, 36, 10, 3, 1000, 100, 512]
    assert table.loc["all"].tolist() == pytest.approx([2, 9000, 216, 190, 73.5, 2000, 700, 1536])
    assert "| all | 2 | 9000 | 216 | 190 | 74 | 2000 | 700 | 1536 |" in in_print(table.reset_index())
