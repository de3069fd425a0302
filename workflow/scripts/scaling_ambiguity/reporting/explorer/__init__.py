"""The listening page: every utterance of a run with its sound, its votes and what models say about it."""

PAGE = "index.html"
OWN = ("explorer.css", "state.js", "table.js", "detail.js", "map.js", "main.js")  # in workflow/resources/explorer
