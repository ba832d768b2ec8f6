"""How the pocket world speaks plainly: sentence templates for leads, bodies and documents.

Templates hold `{slot}` names of `lexicon`; the three topical slots are filled from one topic per text.
"""

from __future__ import annotations

LEADS = ("Also", "First", "Then", "In general", "Later", "For most people", "As a rule", "If you can")

FIRST = (
    "To {act}, begin with the {thing}.",
    "You can {act} {when}.",
    "Most people {act} {when}.",
    "The usual way to {act} is to work {pace}.",
    "It takes about {number} {unit} to {act}.",
    "A good first step is to {act}.",
    "The {thing} are the main part of this work.",
    "Yes, you can {act} {pace}.",
    "The best time to {act} is {when}.",
    "Begin with the {thing} and work {pace}.",
    "People at {place} {act} {freq}.",
    "You will need {adj} {thing} and {tool}.",
)

DOCUMENT_FIRST = (
    "This note is about the {thing} of {place}.",
    "The records of {place} mention {adj} {thing}.",
    "The custom to {act} began near {place}.",
    "People at {place} {act} {freq}.",
    "Most people {act} {when}.",
    "There are {number} kinds of {thing} near {place}.",
    "Visitors to {place} often ask about the {thing}.",
    "For many years, people came to {place} to {act}.",
    "The {thing} of {place} are well known.",
)

BODY = (
    "Check the {thing} {freq}.",
    "Keep the {thing} {state} and {state}.",
    "Store the {thing} near {place}.",
    "Buy {adj} {thing} from {person}.",
    "Ask {person} at {place} for advice.",
    "The {thing} last about {number} {unit}.",
    "If the {thing} look {bad}, replace them.",
    "Use {tool} for the {thing}.",
    "Wash your hands before you {act}.",
    "Two people can {act} faster than one.",
    "The {thing} cost about {number} coins.",
    "Do not leave the {thing} in the {weather}.",
    "At {place}, the {thing} are sold {when}.",
    "Some people prefer {adj} {thing}.",
    "Measure the {thing} before you {act}.",
    "Work at {place} if there is {weather}.",
    "The {thing} should feel {state} to the touch.",
    "Put the {thing} back when you are done.",
    "A {state} box keeps the {thing} {state}.",
    "Read the notes at {place} before you {act}.",
    "You need {number} {thing} for a small group.",
    "Plan to {act} {freq}.",
    "The work is easier {when}.",
    "Set aside {number} {unit} for the {thing}.",
    "Cover the {thing} {when}.",
    "Small mistakes with the {thing} are normal.",
    "Move the {thing} {pace}.",
    "If you see {bad} {thing}, tell {person}.",
    "{tool} is enough to {act}.",
    "Bring {tool} to {place}.",
    "The {thing} at {place} are {adj}.",
    "Wait {number} {unit} and look again.",
    "When the {thing} are {state}, you can {act}.",
    "Learn to {act} from {person}.",
    "Let the {thing} rest {when}.",
    "{person} can lend you {adj} {thing}.",
)

QUESTION_ACTS = (
    "How do I {act}?",
    "How do I {act} {when}?",
    "What is the best way to {act}?",
    "When should I {act}?",
    "Is it hard to {act} {when}?",
    "How long does it take to {act}?",
    "Can I {act} {pace}?",
    "What do I need to {act} {when}?",
    "Where can I learn to {act}?",
    "How often should I {act} at {place}?",
    "My sister wants to {act}. What should she know?",
    "I want to {act} at {place}. How do I begin?",
    "Who can help me {act} {when}?",
    "Should I {act} {when} or wait?",
    "Could you explain how to {act} {pace}?",
)

QUESTION_THINGS = (
    "What should I know about {thing}?",
    "How do I care for {thing} {when}?",
    "Can you tell me about the {thing} of {place}?",
    "Where can I find {adj} {thing}?",
    "How do I choose {adj} {thing}?",
    "How much do {adj} {thing} cost at {place}?",
    "What can I do with {bad} {thing}?",
    "Are {adj} {thing} better than {adj} ones?",
    "How should I store {thing} {when}?",
    "How long do {adj} {thing} last?",
    "Why do people like {adj} {thing}?",
    "My {thing} are {bad}. What should I do?",
    "How many {thing} do I need at {place}?",
)

TITLES = (
    "A guide to {thing} {when}",
    "Notes on {adj} {thing} by {person}",
    "How we {act} {when}",
    "How to {act} {pace}",
    "About the {thing} of {place}",
    "The {thing} and {person}",
    "Why we {act} near {place}",
    "What {number} {unit} with {thing} taught us",
    "Caring for {adj} {thing} {when}",
    "A day at {place} with {adj} {thing}",
)
