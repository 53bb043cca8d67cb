"""The benchmarks that need nothing but what is installed: `kassa bench` runs them, against shops of their own.

Wall time depends on the machine and on what else it does. So every line has the CPU time of each process from the
operating system's accounting. The shop itself knows nothing of this package.
"""
