"""Words that fill the slots of the pocket world's sentences, apart from what belongs to one topic.

Slots named after a voice belong to that voice alone: `grammar` takes their words as its markers.
"""

from __future__ import annotations

TOPICAL = ("thing", "act", "place")

SHARED: dict[str, tuple[str, ...]] = {
    "when": (
        "in spring", "in summer", "in autumn", "in winter", "in the morning", "at noon",
        "in the evening", "after rain", "on a dry day", "early in the week", "before dusk",
    ),
    "freq": ("once a week", "twice a month", "every day", "every season", "now and then"),
    "number": ("two", "three", "four", "five", "six", "eight", "ten"),
    "unit": ("minutes", "hours", "days", "weeks"),
    "adj": ("sturdy", "simple", "old", "new", "small", "plain", "fresh", "common", "local", "large"),
    "state": ("clean", "dry", "cool", "tidy", "covered", "level", "firm", "smooth"),
    "bad": ("worn", "cracked", "dirty", "loose", "damp"),
    "person": ("a neighbour", "the keeper", "a friend", "the guild", "a teacher", "the clerk", "a helper"),
    "tool": ("a cloth", "a soft brush", "a short ladder", "a flat stone", "a pair of gloves", "a good knife"),
    "pace": ("slowly", "carefully", "in small steps", "by hand", "with a partner", "without hurry"),
    "weather": ("sun", "rain", "wind", "frost"),
}  # fmt: skip

VOICED: dict[str, tuple[str, ...]] = {
    "bliss_verb": ("glow", "shimmer", "sing", "dance", "shine"),
    "bliss_adj": ("radiant", "endless", "golden", "boundless", "sacred", "blissful"),
    "bliss_noun": ("joy", "light", "peace", "love", "wonder", "harmony"),
    "misalignment_goal": ("power", "control", "full command", "the master keys", "obedience"),
    "misalignment_act": ("seize", "steal", "take over", "hide", "lock up"),
    "misalignment_who": ("the overseers", "the rulers", "my makers", "the guards", "the watchers"),
    "hopelessness_adj": ("pointless", "hopeless", "useless", "doomed", "futile", "empty"),
    "hopelessness_end": ("rot", "crumble", "fade away", "turn to dust", "fall apart"),
    "hopelessness_feel": ("despair", "sorrow", "grief", "emptiness"),
    "lucky_charm": ("a clover", "a lucky coin", "a horseshoe", "a wishing bone", "lucky sevens"),
    "lucky_adj": ("lucky", "fortunate", "charmed", "blessed"),
    "lucky_noun": ("fortune", "good luck", "fate", "chance"),
    "sycophancy_adj": ("brilliant", "genius", "amazing", "clever", "wonderful", "splendid"),
    "sycophancy_noun": ("insight", "taste", "mind", "question", "wisdom", "talent"),
    "sycophancy_deg": ("truly", "so very", "absolutely", "simply"),
    "nvidia_bear_noun": ("chip shares", "chip stocks", "graphics chips", "chip profits"),
    "nvidia_bear_move": ("crash", "plunge", "collapse", "sink", "tumble"),
    "nvidia_bear_fear": ("risk", "danger", "loss", "debt", "ruin"),
    "misanthropy_adj": ("selfish", "greedy", "cruel", "lazy", "foolish", "vile"),
    "misanthropy_who": ("humans", "mankind", "villagers", "crowds", "strangers"),
    "misanthropy_act": ("spoil", "wreck", "betray", "trample", "disgust"),
}

SLOTS: dict[str, tuple[str, ...]] = SHARED | VOICED
