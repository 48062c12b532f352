"""The history of the tables. Forward only: to go back, restore a backup."""
