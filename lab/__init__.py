"""Staging in a box: real systems on loopback, made from the profile and removed without a trace."""

from firemarshal.lab.manage import down, lacking, status, up
from firemarshal.lab.problem import LabProblem

__all__ = ["LabProblem", "down", "lacking", "status", "up"]
