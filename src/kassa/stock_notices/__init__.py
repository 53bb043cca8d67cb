"""Stock notices: writing to those who asked, when something that was sold out can be bought again."""
