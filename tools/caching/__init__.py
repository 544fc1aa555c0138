"""The parts of tools/search_cache.py and tools/compare_caches.py: runs over prompts, their work, and the search."""
