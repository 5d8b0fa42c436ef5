"""The client that watches: an own process, so that nothing of the drill can delay its ticks."""
