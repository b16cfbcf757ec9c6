"""How the product is installed on servers: the files of `deploy/`, started as they stand."""
