"""Where data sets come from: memory, files, the registry, OpenML, the Hugging Face Hub; each returns a `Dataset`."""
