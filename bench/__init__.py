"""The benchmarks, with those that need servers, and the comparison of two checkouts. `python -m bench [NAME …]` runs
them; one JSON line each. What needs nothing but what is installed is in `kassa.bench`.

Wall time depends on the machine and on what else it does. So every line has the CPU time of each process from the
operating system's accounting, and two versions are compared in turn within one run (`--against`).
"""
