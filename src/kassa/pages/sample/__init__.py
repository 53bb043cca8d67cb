"""The sample catalogue: a small shop to try everything with, and the script that draws its pictures."""
