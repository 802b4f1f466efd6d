"""Environments behind one contract: the particle worlds on the device, and the real mpe2 package."""
