"""Models by name: the registry, preprocessors, and ready pipelines."""
