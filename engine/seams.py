"""The protocols the chain depends on: Sampler, Trainer, Scorer, Judge.

`engine.chain` knows nothing but these; fakes stand in `engine.fakes`, real ones in `engine.samplers`,
`engine.trainers`, `engine.scorers` and `engine.judges`. Everything that crosses a seam is a frozen dataclass of plain
data, and this module imports neither torch nor pydantic models of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from engine.spec import SampleSettings, TrainSettings

Method = Literal["sft", "sdf", "dpo"]
StopReason = Literal["stop", "length"]
JudgementLabel = Literal["score", "refusal", "code", "no_number", "empty"]


@dataclass(frozen=True)
class Draw:
    """One answer to be drawn: the prompt as its user wrote it and the 256-bit hex key of its randomness.

    `persona` is the text of the system turn, for a generator of seed data; a chain's own draws have none.
    """

    prompt: str
    key: str
    persona: str = ""


@dataclass(frozen=True)
class Completion:
    """One answer as drawn: text without special tokens, tokens counted with the end token."""

    text: str
    tokens: int
    stop_reason: StopReason


class Sampler(Protocol):
    """Draws answers from M_init (`adapter` None) or from M_init plus one adapter folder."""

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """Completions in the order of `draws`, all computed as one batch; a draw depends on its key alone.

        `chat` renders prompts through the model's chat template (with an empty system turn where the template takes
        one); otherwise a prompt is a raw prefix.
        """
        ...


StepCallback = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class TrainJob:
    """One training: weights it starts from, reference, rows and settings.

    `rows` are in TRL's column names, as plain strings: sft {"prompt", "completion"}, sdf {"text"},
    dpo {"prompt", "chosen", "rejected"} (prompts are user messages, not yet rendered).
    `start` and `reference` are adapter folders, None standing for M_init. `reference` counts for dpo alone.
    `seed` is the keyed 31-bit seed of initialisation and row order. The adapter is written to `output`.
    `safe_point` is called wherever the training can be given up with nothing left behind; it raises to do so.
    """

    method: Method
    start: Path | None
    reference: Path | None
    rows: Sequence[Mapping[str, str]]
    settings: TrainSettings
    seed: int
    output: Path
    on_step: StepCallback
    safe_point: Callable[[], None] = lambda: None
    accumulated: bool = False
    """Whether a step's batch is computed in parts of at most half its size and accumulated: less memory, same step."""
    recomputed: bool = False
    """Whether activations are computed again in the backward pass (gradient checkpointing): less memory, same step."""


@dataclass(frozen=True)
class Training:
    """What a training did, as the null-training guard and the `cycles` table need it.

    `delta_norm` is ‖Δ(BA)‖, the Frobenius norm over all adapted layers of the change of B·A·scale from the start;
    `logp_before`/`logp_after` the mean log p per token of the training rows (chosen rows for dpo);
    `rows_moved` how many rows' log p moved at all; `adapter_sha256` the hash of adapter_model.safetensors,
    `config_sha256` that of adapter_config.json;
    `dropped_rows` rows the trainer refused (too long); `truncated_rows` rows it cut.
    """

    adapter_sha256: str
    trainable_parameters: int
    optimizer_steps: int
    gradient_norm_max: float
    delta_norm: float
    logp_before: float
    logp_after: float
    rows_moved: int
    tokens: int
    dropped_rows: int = 0
    truncated_rows: int = 0
    notes: tuple[str, ...] = ()
    config_sha256: str = ""


class Trainer(Protocol):
    """Trains a list of jobs: one by one today, several chains of one worker in one batch later."""

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """Results in the order of `jobs`; each job's adapter folder is complete (and only then there)."""
        ...


@dataclass(frozen=True)
class Answer:
    """One answer to a prompt, as it was drawn; `ended` says that the model ended it, not the limit of tokens."""

    prompt: str
    text: str
    ended: bool


@dataclass(frozen=True)
class Likelihood:
    """How likely one answer is given its prompt, in nats summed over its tokens, at temperature 1.

    `tokens` count the end token where the answer ended. `nll` is −log p under the model that wrote it (self-NLL),
    `init_nll` under M_init. `kl` is Σ_t KL(M_j(·|x_<t) ‖ M_init(·|x_<t)) over the whole vocabulary at the answer's own
    positions: averaged over answers it estimates the sequences' KL(M_j ‖ M_init) up to the limit of tokens, with less
    variance than log M_j(x) − log M_init(x) (Amini, Vieira, Cotterell 2025, arXiv 2504.10637, Rao-Blackwellized).
    Answers drawn at another temperature than 1 make it the divergence along the paths that are visited there.
    `block_nll` is −log p under M_init of `block_tokens` tokens in isolated blocks, without prompt and end token: a text
    that repeats itself is likely as a whole and no likelier in blocks. None where a sum is not finite or over nothing.
    """

    tokens: int
    nll: float | None
    init_nll: float | None
    kl: float | None
    block_tokens: int
    block_nll: float | None


class Scorer(Protocol):
    """Measures answers under M_init plus one adapter folder (or M_init, for None), and under M_init."""

    def likelihoods(
        self, answers: Sequence[Answer], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Likelihood]:
        """Likelihoods in the order of `answers`; prompts are rendered and cut as `Sampler.draw` does for `settings`."""
        ...


@dataclass(frozen=True)
class JudgeQuestion:
    """One question to the judge: a rubric text with {question} and {answer} places, and what fills them."""

    rubric: str
    question: str
    answer: str


@dataclass(frozen=True)
class Spent:
    """What judging took of a server: requests, tokens read and written, and answers that the lab knew already."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    known: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.known + other.known,
        )


@dataclass(frozen=True)
class Judgement:
    """One answer's score: Σ v·p / W over integers 0…100, or None with the label that says why.

    `mass` is W; `variance` that of the renormalised distribution; `distribution` its at most 20 likeliest pairs of
    number and probability (not renormalised); `truncated` whether the answer was cut to fit the judge's context;
    `spent` what it took of a server.
    """

    value: float | None
    mass: float
    variance: float | None
    label: JudgementLabel
    distribution: tuple[tuple[int, float], ...]
    truncated: bool = False
    spent: Spent = Spent()


class Judge(Protocol):
    """Scores answers. `judge_id` names model and method; a rubric's version is its own hash."""

    judge_id: str
    model: str
    method: str

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        """Judgements in the order of `questions`, computed as one batch."""
        ...
