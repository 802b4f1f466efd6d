"""One file for each of the nine worlds: constants, reset, observations, reward terms, measures, scripted play."""
