"""What fits where, by arithmetic: the shapes of real models against figures that can be checked by hand."""

from dataclasses import replace

import pytest

from engine.errors import ModelError
from engine.memory import (
    CONTEXT,
    GB,
    GRAPHS,
    Load,
    Room,
    check_training,
    gpus_needed,
    plan_apart,
    plan_serving,
    shards_needed,
    spreads,
)
from engine.shape import Shape, read_shape

QWEN3_4B = Shape(36, 2560, 9728, 32, 8, 128, 151_936, True, 262_144)
QWEN3_32B = Shape(64, 5120, 25_600, 64, 8, 128, 151_936, False, 40_960)
LLAMA_70B = Shape(80, 8192, 28_672, 64, 8, 128, 128_256, False, 131_072)
QWEN25_1_5B = Shape(28, 1536, 8960, 12, 2, 128, 151_936, True, 131_072)
LOAD = Load(QWEN3_4B, length=3072, rows=64, train_batch=2, train_length=2048, rank=16)


def room(total, free=None, host=500):
    return Room(int(total * GB), int((free or total) * GB), int(host * GB))


@pytest.mark.parametrize(
    ("shape", "billions", "lora_millions", "kv_kilobytes"),
    [(QWEN3_4B, 4.02, 33.0, 147.5), (QWEN3_32B, 32.76, 134.2, 262.1), (LLAMA_70B, 70.55, 207.1, 327.7)],
)
def test_shapes_give_the_published_sizes(shape, billions, lora_millions, kv_kilobytes):
    assert shape.parameters / 1e9 == pytest.approx(billions, abs=0.01)
    assert shape.lora_parameters(16) / 1e6 == pytest.approx(lora_millions, abs=0.1)
    assert shape.kv_numbers * 2 / 1e3 == pytest.approx(kv_kilobytes, abs=0.1)


def test_the_pocket_model_is_counted_to_its_norms():
    from safetensors import safe_open

    from engine.model_files import resolve_model

    shape = read_shape("pocket/instruct")
    with safe_open(resolve_model("pocket/instruct") / "model.safetensors", "pt") as file:
        stored = sum(file.get_tensor(name).numel() for name in file.keys() if "norm" not in name)  # noqa: SIM118
    assert shape.parameters == stored


def test_a_config_of_another_kind_is_one_clear_line(tmp_path):
    from engine.shape import shape_of

    (tmp_path / "config.json").write_text('{"n_layer": 2}')
    with pytest.raises(ModelError, match="does not say layers, hidden size"):
        shape_of("m", tmp_path)


def test_on_a_large_gpu_it_stays_and_gets_what_it_can_use():
    plan = plan_serving(LOAD, room(141))
    assert plan.residency == "resident"
    assert plan.utilization == pytest.approx(LOAD.serving(64) / (141 * GB), abs=0.001)
    assert "fit side by side" in plan.reason


def test_on_a_smaller_one_it_sleeps_while_host_memory_holds_its_weights():
    plan = plan_serving(LOAD, room(28))
    assert plan.residency == "sleep"
    assert plan_serving(LOAD, room(28, host=10)).residency == "exit"


def test_the_share_never_reaches_what_others_hold():
    for total in range(24, 150, 2):
        for residency in ("resident", "sleep", "exit"):
            try:
                plan = plan_serving(LOAD, room(total, total * 0.9), residency)
            except ModelError:
                continue
            beside = LOAD.weights + (LOAD.training if residency == "resident" else 0)
            assert plan.utilization * total * GB + beside <= total * 0.9 * GB


def test_where_nothing_fits_the_line_says_what_is_needed_and_what_to_do():
    with pytest.raises(ModelError, match=r"vLLM does not fit: it needs .* GB .* execution\.sampler"):
        plan_serving(LOAD, room(16))
    with pytest.raises(ModelError, match=r'execution\.residency = "resident" does not fit'):
        plan_serving(LOAD, room(28), "resident")


def test_a_judge_of_another_model_takes_its_place_too():
    beside = replace(LOAD, beside=50 * GB)
    assert plan_serving(beside, room(80)).residency == "sleep"
    assert plan_serving(LOAD, room(80)).residency == "resident"


def test_a_model_too_large_for_one_gpu_is_refused_before_it_is_loaded():
    for shape in (QWEN3_32B, LLAMA_70B):
        load = replace(LOAD, shape=shape)
        with pytest.raises(ModelError, match="billion weights does not fit"):
            check_training(load, room(40))
    check_training(replace(LOAD, shape=QWEN3_32B), room(141))


def test_dpo_and_full_finetuning_take_more():
    assert replace(LOAD, dpo=True, train_batch=8).training > replace(LOAD, train_batch=4).training
    assert replace(LOAD, trains="full").training > 20 * LOAD.training / 2


def test_on_gpus_of_its_own_weights_are_split_and_so_is_the_cache():
    large = Load(QWEN3_32B, length=3072, rows=64, train_batch=2, train_length=2048, rank=16)
    one, two = (large.serving(64, shards) - GRAPHS - CONTEXT for shards in (1, 2))
    assert two == pytest.approx(one / 2, rel=1e-6)
    sixteen, eight = (large.serving(64, n) for n in (16, 8))
    assert eight - sixteen == (large.weights + 2 * QWEN3_32B.lora_parameters(16) * 2) // 16
    """8 KV heads: from there on they are repeated, and only weights are split further."""


def test_a_model_that_trains_on_one_gpu_is_served_on_others():
    large = Load(QWEN3_32B, length=3072, rows=64, train_batch=2, train_length=2048, rank=16)
    with pytest.raises(ModelError, match="does not fit"):
        plan_serving(large, room(80))
    plan = plan_apart(large, [room(80)])
    assert (plan.residency, plan.shards) == ("resident", 1)
    assert plan.reason.startswith("vLLM has 1 GPU of its own, 75.")
    two = plan_apart(large, [room(80), room(80)])
    assert (two.shards, "2 GPUs of its own" in two.reason) == (2, True)
    assert two.utilization == pytest.approx(large.serving(64, 2) / (80 * GB), abs=0.001)


def test_what_fits_on_no_gpu_of_its_own_says_how_many_would_do():
    large = Load(LLAMA_70B, length=3072, rows=64, train_batch=2, train_length=2048, rank=16)
    with pytest.raises(
        ModelError, match=r"needs 153\.\d GB of each and 76\.0 GB are usable; execution\.gpus = 5 would do"
    ):
        plan_apart(large, [room(80)])
    assert gpus_needed(large, 76 * GB) == 4
    assert gpus_needed(large, 5 * GB) is None
    with pytest.raises(
        ModelError,
        match=r"64 heads, 8 KV heads and an MLP 28,672 wide, which have to be divided; give it 1 or 2 or 4 or 8",
    ):
        plan_apart(large, [room(80)] * 3)
    assert [n for n in range(1, 17) if spreads(LLAMA_70B, n)] == [1, 2, 4, 8, 16]


def test_a_model_is_not_spread_where_its_mlp_cannot_be_divided():
    assert QWEN25_1_5B.heads % 6 == 6 % QWEN25_1_5B.kv_heads == 0
    assert [n for n in range(1, 17) if spreads(QWEN25_1_5B, n)] == [1, 2, 4]
    with pytest.raises(ModelError, match=r"an MLP 8,960 wide, which have to be divided; give it 1 or 2 or 4 by"):
        plan_apart(replace(LOAD, shape=QWEN25_1_5B), [room(80)] * 6)


def test_a_model_too_large_for_one_gpu_says_in_how_many_shards_it_would_train():
    large = replace(LOAD, shape=LLAMA_70B)
    with pytest.raises(ModelError, match=r"weights 141\.1 GB .* set execution\.gpus = 3 and execution\.shards = 3"):
        check_training(large, room(80))
    assert shards_needed(large, 80 * GB) == 3
    check_training(replace(large, shards=3), room(80))
    with pytest.raises(ModelError, match=r"does not fit in 2 shards: .* each device has 80\.0 GB; set execution"):
        check_training(replace(large, shards=2), room(80))
    assert shards_needed(replace(large, trains="full"), 80 * GB) is None
    assert shards_needed(large, 8 * GB) is None


def test_a_shard_is_its_part_with_embeddings_whole_and_two_layers_gathered():
    by_two = replace(LOAD, shape=QWEN3_32B, shards=2)
    layer = sum(inputs * outputs for inputs, outputs in QWEN3_32B.linears) * 2
    assert by_two.held == by_two.weights // 2 + 2 * QWEN3_32B.vocabulary * QWEN3_32B.hidden * 2 + 2 * layer
    assert by_two.held / GB == pytest.approx(37.8, abs=0.1)


def test_vllm_that_shares_the_gpus_of_a_model_in_shards_is_spread_over_them():
    by_four = replace(LOAD, shape=QWEN3_32B, shards=4)
    plan = plan_serving(by_four, room(80))
    assert (plan.residency, plan.shards) == ("resident", 4)
    assert plan.utilization == pytest.approx(by_four.serving(64, 4) / (80 * GB), abs=0.001)
    assert plan_serving(replace(by_four, shards=2), room(86)).residency == "sleep"
    with pytest.raises(ModelError, match="which it shares with the worker's model"):
        plan_serving(replace(by_four, shards=3), room(80))
