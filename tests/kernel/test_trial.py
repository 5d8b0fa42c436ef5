"""A trial may take many minutes, and nobody listens to it."""

from firemarshal.trial import waiting_for_nobody


def test_a_trial_is_never_stopped_by_what_nobody_reads() -> None:
    """As many beats as an hour has would fill a socket of any size."""
    with waiting_for_nobody() as waiting:
        for _ in range(7200):
            waiting.on_beat()
            waiting.tell({"tell": "alive"})
