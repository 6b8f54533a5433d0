"""A small git host: commits with authors, and the checks that ran on them, by GitHub's API."""
