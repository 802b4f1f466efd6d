"""MADDPG as pure functions: arrays and keys in, arrays out. No environment, no files, no state in Python."""
