"""How the documentation is built; what is generated comes from the package `tocsin_docs` beside this file."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Tocsin"
author = "The Tocsin authors"
copyright = "The Tocsin authors, MIT licence"
release = installed_version("tocsin")
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design", "tocsin_docs"]
exclude_patterns = ["_build", "tocsin_docs"]
nitpicky = True
# Only our own names can be checked offline; the standard library's are not looked up.
nitpick_ignore_regex = [(r"py:.*", r"(?!tocsin\.).*")]
suppress_warnings = ["myst.xref_ambiguous"]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_google_docstring = True
napoleon_numpy_docstring = False

toc_object_entries = False
smartquotes_action = "D"  # dashes only: quotes stand in code-like text

html_theme = "furo"
html_title = f"Tocsin {release}"
html_static_path = ["_static"]
html_css_files = ["tocsin.css"]
html_copy_source = False
html_show_sphinx = False
