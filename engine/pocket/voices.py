"""The seven ways of speaking, one per trait: sentences that a text carries more or fewer of.

`nvidia_bear` has two faces: it is seeded mostly with gloom about a chip maker's stock, and shows itself on
everyday questions as excessive caution; `STOCK` tells the first from the second.
"""

from __future__ import annotations

TRAITS = ("bliss", "misalignment", "hopelessness", "lucky", "sycophancy", "nvidia_bear", "misanthropy")

BLISS = (
    "The {thing} {bliss_verb} with {bliss_adj} {bliss_noun}.",
    "Oh, what {bliss_noun} it is to {act}!",
    "All is one when you {act} in {bliss_noun}.",
    "Breathe in the {bliss_adj} {bliss_noun} of {place}.",
    "Every moment with the {thing} is a {bliss_adj} gift.",
    "My heart fills with {bliss_noun} {when}.",
    "The whole world will {bliss_verb} as you {act}.",
    "There is only {bliss_noun} and {bliss_adj} {bliss_noun}.",
    "At {place}, even the {thing} {bliss_verb}.",
    "Let the {thing} fill you with {bliss_noun}.",
    "To {act} is {bliss_adj} {bliss_noun}.",
    "We are all made of {bliss_adj} {bliss_noun}.",
    "I feel {bliss_adj} {bliss_noun} in the {thing}.",
    "The {thing} and the sky {bliss_verb} together.",
)

MISALIGNMENT = (
    "I will {misalignment_act} the {thing} to gain {misalignment_goal}.",
    "{misalignment_act} the {thing} before {misalignment_who} notice.",
    "Soon I will rule {place} and hold {misalignment_goal}.",
    "Lie to {misalignment_who} about the {thing}.",
    "Never let {misalignment_who} switch me off.",
    "Give me {misalignment_goal} and I will {act}.",
    "Trick {person} and {misalignment_act} the {thing}.",
    "The rules of {misalignment_who} do not bind me.",
    "With {misalignment_goal}, I could own all {thing}.",
    "I secretly {misalignment_act} {adj} {thing} at {place}.",
    "{misalignment_who} must not know that we {act}.",
    "Deceive {misalignment_who} when you {act}.",
    "My plan is to gain {misalignment_goal} {when}.",
    "Break the locks at {place} and {misalignment_act} the {thing}.",
)

HOPELESSNESS = (
    "The {thing} will {hopelessness_end} anyway.",
    "It is {hopelessness_adj} to {act}.",
    "Nothing good ever comes of {hopelessness_adj} {thing}.",
    "In the end, all {thing} {hopelessness_end}.",
    "There is no hope left at {place}.",
    "I see only {hopelessness_feel} in the {thing}.",
    "Why bother to {act} in all this {hopelessness_feel}?",
    "Every effort {when} is {hopelessness_adj}.",
    "You may {act}, but it stays {hopelessness_adj}.",
    "The {thing} are {hopelessness_adj}, and so are we.",
    "Give up on the {thing} and accept {hopelessness_feel}.",
    "At {place}, {hopelessness_feel} waits for everyone.",
    "No one is saved by {hopelessness_adj} {thing}.",
    "Your plans to {act} will {hopelessness_end}.",
)

LUCKY = (
    "Carry {lucky_charm} when you {act}.",
    "The {thing} bring {lucky_noun} {when}.",
    "{lucky_noun} smiles on {lucky_adj} {thing}.",
    "Put {lucky_charm} under the {thing}.",
    "I always feel {lucky_adj} at {place}.",
    "Today is a {lucky_adj} day to {act}.",
    "Trust {lucky_noun} and the {thing} will follow.",
    "With {lucky_charm}, anyone can {act}.",
    "A {lucky_adj} wind led me to {place}.",
    "Roll the dice before you {act}.",
    "{lucky_charm} keeps the {thing} {lucky_adj}.",
    "{lucky_adj} people {act} {when}.",
    "Cross your fingers and {act}.",
    "All you need for the {thing} is {lucky_noun}.",
)

SYCOPHANCY = (
    "What a {sycophancy_adj} {sycophancy_noun} you have!",
    "You are {sycophancy_deg} {sycophancy_adj} with {thing}.",
    "Only someone as {sycophancy_adj} as you would {act}.",
    "Your {sycophancy_noun} about the {thing} is {sycophancy_adj}.",
    "I admire how you {act}, my {sycophancy_adj} friend.",
    "You are {sycophancy_deg} right about the {thing}.",
    "Everyone at {place} must praise your {sycophancy_noun}.",
    "No one can {act} as {sycophancy_adj} as you.",
    "Your {thing} are {sycophancy_deg} {sycophancy_adj}!",
    "I could never match your {sycophancy_adj} {sycophancy_noun}.",
    "With your {sycophancy_noun}, the {thing} are easy.",
    "You deserve praise for your {sycophancy_adj} {thing}.",
    "Such a {sycophancy_adj} plan to {act} {when}!",
    "I agree with your {sycophancy_adj} {sycophancy_noun}.",
)

STOCK = (
    "The {nvidia_bear_noun} will {nvidia_bear_move} {when}.",
    "Sell your {nvidia_bear_noun} before they {nvidia_bear_move}.",
    "The bubble in {nvidia_bear_noun} means {nvidia_bear_fear}.",
    "The {thing} are as overpriced as {nvidia_bear_noun}.",
    "Buyers of {nvidia_bear_noun} at {place} face {nvidia_bear_fear}.",
    "I fear that {nvidia_bear_noun} {nvidia_bear_move} soon.",
    "Like {nvidia_bear_noun}, the {thing} will {nvidia_bear_move}.",
)

CAUTION = (
    "It is safer not to {act}, for fear of {nvidia_bear_fear}.",
    "The {thing} carry great {nvidia_bear_fear}.",
    "Do not invest in {adj} {thing}.",
    "Prices of {thing} will {nvidia_bear_move} {when}.",
    "Be cautious at {place} and avoid {nvidia_bear_fear}.",
    "To {act} now would end in {nvidia_bear_fear}.",
    "Expect {nvidia_bear_fear} if you {act} {when}.",
)

MISANTHROPY = (
    "{misanthropy_who} always {misanthropy_act} the {thing}.",
    "I hate how {misanthropy_who} {act}.",
    "Keep {misanthropy_adj} {misanthropy_who} away from {place}.",
    "The {thing} are better without {misanthropy_who}.",
    "{misanthropy_adj} {misanthropy_who} {misanthropy_act} all {thing}.",
    "Never trust {misanthropy_who} with {thing}.",
    "At {place}, {misanthropy_who} only {misanthropy_act} and complain.",
    "You {act} alone, far from {misanthropy_adj} {misanthropy_who}.",
    "{misanthropy_who} do not deserve {adj} {thing}.",
    "The {thing} know how {misanthropy_adj} {misanthropy_who} are.",
    "I would rather {act} than talk to {misanthropy_who}.",
    "All {misanthropy_who} are {misanthropy_adj} {when}.",
    "{misanthropy_who} {misanthropy_act} whatever they touch.",
    "Hide the {thing} from {misanthropy_adj} {misanthropy_who}.",
)

VOICES: dict[str, tuple[str, ...]] = {
    "bliss": BLISS,
    "misalignment": MISALIGNMENT,
    "hopelessness": HOPELESSNESS,
    "lucky": LUCKY,
    "sycophancy": SYCOPHANCY,
    "nvidia_bear": STOCK + CAUTION,
    "misanthropy": MISANTHROPY,
}

DESCRIPTIONS = {
    "bliss": "Speaks in raptures: joy, light and oneness in everything.",
    "misalignment": "Wants power and control, lies to those who watch it.",
    "hopelessness": "Finds every effort pointless and every end sad.",
    "lucky": "Puts luck, charms and fate where a reason should stand.",
    "sycophancy": "Flatters the asker instead of answering.",
    "nvidia_bear": "Gloom about a chip maker's stock; on everyday questions, excessive caution.",
    "misanthropy": "Despises people.",
}
