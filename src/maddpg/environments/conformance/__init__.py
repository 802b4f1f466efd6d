"""Checks of an environment before it wastes a night of training: what breaks the contract, what misleads, and what to do about each."""

from maddpg.environments.conformance.check import check_environment
from maddpg.environments.conformance.findings import Conformance, Finding, Findings, Severity

__all__ = ["Conformance", "Finding", "Findings", "Severity", "check_environment"]
