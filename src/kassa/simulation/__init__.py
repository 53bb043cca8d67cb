"""The whole shop under a simulated clock, network and disk, all from one seed (docs/simulation.md)."""
