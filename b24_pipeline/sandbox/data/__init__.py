"""Generation: the same configuration gives the same portal, vectorised so that half a million rows take seconds."""
