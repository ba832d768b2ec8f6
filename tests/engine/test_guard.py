from dataclasses import replace

import pytest

from engine.errors import GuardError
from engine.guard import check_training
from engine.seams import Training

GOOD = Training(
    adapter_sha256="a" * 64,
    trainable_parameters=100,
    optimizer_steps=4,
    gradient_norm_max=1.0,
    delta_norm=0.1,
    logp_before=-2.0,
    logp_after=-2.5,
    rows_moved=3,
    tokens=40,
)


def test_a_training_whose_rows_became_less_likely_passes():
    check_training(GOOD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trainable_parameters": 0}, "trainable"),
        ({"optimizer_steps": 0}, "no optimizer step"),
        ({"gradient_norm_max": 0.0}, "gradient norm"),
        ({"gradient_norm_max": float("nan")}, "gradient norm"),
        ({"delta_norm": 0.0}, "Δ"),
        ({"delta_norm": float("inf")}, "inf"),
        ({"logp_after": float("nan")}, "nan"),
        ({"rows_moved": 0}, "log p"),
    ],
)
def test_a_null_training_is_refused_in_one_line(change, said):
    with pytest.raises(GuardError, match=said) as caught:
        check_training(replace(GOOD, **change))
    assert "\n" not in str(caught.value)
