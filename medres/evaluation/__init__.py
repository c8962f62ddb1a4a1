"""Arrays of labels and scores -> numbers, each with its interval; knows no network, no file and no page."""
