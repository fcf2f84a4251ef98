"""The pages, as browsers and as programs meet them."""
