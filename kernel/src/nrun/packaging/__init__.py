"""Code that travels: from what a packager selects to a bundle in the store, and from there to a job's folder."""

from __future__ import annotations

from nrun.packaging.bundling import pack_bundle, selected, walk

__all__ = ["pack_bundle", "selected", "walk"]
