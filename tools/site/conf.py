"""The configuration of Sphinx for the site. tools/site/make_site.py calls it."""

import os
import pathlib
import sys

ROOT = pathlib.Path(os.environ["PIXART_ROOT"])
sys.path.insert(0, str(ROOT / "bindings" / "python" / "src"))

project = "libpixart"
author = "The libpixart authors"
release = version = (ROOT / "VERSION").read_text().strip()
extensions = ["myst_parser", "breathe", "sphinx.ext.autodoc"]
root_doc = "index"
html_theme = "furo"
html_title = f"libpixart {release}"
html_static_path = [str(ROOT / "tools" / "site" / "static")]
html_css_files = ["site.css"]
html_copy_source = False
myst_enable_extensions = ["linkify"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
breathe_projects = {"pixart": os.environ["PIXART_DOXYGEN"]}
breathe_default_project = "pixart"
breathe_domain_by_extension = {"h": "c"}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
autodoc_class_signature = "mixed"
# Examples name hosts and placeholders that are not meant as links, and types of numpy have no page here.
linkify_issue_links = False
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
