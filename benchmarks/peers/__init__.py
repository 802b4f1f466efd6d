"""The other side of comparisons: scripts for other libraries' own virtual environments, which import nothing of ours."""
