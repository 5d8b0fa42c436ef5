"""How long one step look-up takes with 5, 50 and 500 definitions, as ratios of the first.

Run: python bench/step_lookup.py. Ratios only, because seconds belong to one machine; each round
measures all sizes one after the other, so that a slow moment hits all of them. Only the first
look-up of a sentence reads through all definitions, and asks no parser while it does.
"""

import statistics
import sys
import time

from pytest_bdd import parsers

from firemarshal.declare import Healthy
from firemarshal.vocabulary import StepDefinition, Vocabulary

SIZES = (5, 50, 500)
ROUNDS = 15
TEXTS = 200


def definitions(count: int) -> list[StepDefinition]:
    """Sentences that differ in one word each, as those of one noun do."""
    found = []
    for number in range(count):
        parser = parsers.parse(f'the {_word(number)} of "{{system}}" fails for {{time}}')
        found.append(StepDefinition("when", parser.name, _healthy, parser, {}))
    return found


def _healthy(system: str, time: str) -> Healthy:
    return Healthy(system=system)


def _word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}")


def seconds_each(count: int, known: str) -> float:
    """CPU time of one look-up; `known` beforehand is nothing, the sentence or the whole text."""
    vocabulary = Vocabulary(definitions(count))
    texts = [f'the {_word(n % 5)} of "s{n}" fails for {n} seconds' for n in range(TEXTS)]
    asked = texts[:5] if known == "nothing" else texts
    for text in {"nothing": [], "the sentence": texts[:5], "the text": texts}[known]:
        vocabulary.find("when", text, "")
    start = time.process_time()
    for text in asked:
        vocabulary.find("when", text, "")
    return (time.process_time() - start) / len(asked)


def main() -> None:
    """Print median ratios against the smallest size."""
    for known in ("nothing", "the sentence", "the text"):
        ratios: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            measured = {size: seconds_each(size, known) for size in SIZES}
            for size in SIZES:
                ratios[size].append(measured[size] / measured[SIZES[0]])
        shown = ", ".join(f"{size}: {statistics.median(ratios[size]):.2f}" for size in SIZES)
        sys.stdout.write(f"{known} known before: {shown}\n")


if __name__ == "__main__":
    main()
