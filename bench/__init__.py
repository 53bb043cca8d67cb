"""The benchmarks. `python -m bench [NAME …]` runs them against processes of their own; one JSON line each.

Wall time depends on the machine and on what else it does. So every line has the CPU time of each process from the
operating system's accounting, and two versions are compared in turn within one run (`--against`).
"""
