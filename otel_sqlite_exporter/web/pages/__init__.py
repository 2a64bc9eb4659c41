"""The pages: a request and the open file in, a template with the answers of ``reading`` out."""
