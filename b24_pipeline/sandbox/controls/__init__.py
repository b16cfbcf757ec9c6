"""What tests and the demo do to the sandbox: change rows, inject faults, read the truth."""
