"""The experiments of Lowe et al. 2017, run again: a file for each table or figure, and what they have in common."""

from maddpg.paper.registry import STUDIES
from maddpg.paper.reproduce import SHIPPED, Plan, plan
from maddpg.paper.settings import FULL, QUICK, Size
from maddpg.paper.tables import Grid, grids

__all__ = ["FULL", "QUICK", "SHIPPED", "STUDIES", "Grid", "Plan", "Size", "grids", "plan"]
