"""Landing: events from Kafka into Postgres, each of them once.

    read a batch  ->  one transaction: move the offsets, keep what is new, hand it on  ->  read on

Postgres keeps the offsets, in the transaction that keeps the events. So a batch has landed with its offsets or it has
not landed at all, wherever the program dies; and an offset moves only from where its mover believes it to be, so a
program that Kafka has taken a partition away from, and that does not know it yet, lands nothing of it. Kafka is told
the offsets too, but only for those who look at its groups: nobody here reads them.

What cannot land (no envelope, a day that is not kept, a row that the database refuses) goes to the topic of bad events
with its reason, before the offsets move.
"""
