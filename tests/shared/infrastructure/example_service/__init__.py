"""A service that has nothing but two tables: what the tests of the database run on."""
