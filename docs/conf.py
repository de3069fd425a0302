"""Settings of the documentation site: `make docs` builds these pages with Sphinx; a warning is an error."""

project = "scaling-ambiguity"
author = "The scaling-ambiguity contributors"
copyright = "The scaling-ambiguity contributors; text CC BY 4.0"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_show_sourcelink = False
exclude_patterns = ["requirements.txt"]
# Diagrams are for the repository's own pages; here they are shown as their text.
suppress_warnings = ["misc.highlighting_failure"]
