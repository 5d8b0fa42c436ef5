"""Fire drills for systems: real faults, recovery as a client lived it, judged against the plan."""

__version__ = "0.1.0"
