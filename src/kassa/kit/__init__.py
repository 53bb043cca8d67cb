"""The shared vocabulary: a closed list of small modules that every service speaks."""
