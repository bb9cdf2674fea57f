"""Every figure in the README comes from here: measured side by side in one run, as ratios."""
