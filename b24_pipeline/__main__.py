"""`python -m b24_pipeline` is the `b24` command."""

from b24_pipeline.entry import main

main()
