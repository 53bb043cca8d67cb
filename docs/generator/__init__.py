"""The pages of docs/ that are told from the code; each module makes one of them as Markdown text."""
