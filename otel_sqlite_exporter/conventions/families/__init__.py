"""One module for each family of emitters: tables of the words it uses, and the few quirks no table can say."""
