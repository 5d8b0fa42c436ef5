"""pytest's own output, taken back: a drill is told by its progress and one table."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """No header, no dots: as loaded by `firemarshal run` only."""
    config.option.verbose = min(config.option.verbose, -1)
    config.option.no_header = True
