"""Everything that touches Faust and aiokafka, and nothing else does.

transport  one Faust message is one batch of records of one partition
gate       no record of a partition is read before its seek has finished
ledger     what has been read and what is done: the only source of commits
outbox     what a batch sends, and the broker's acknowledgements
tables     member rows on Faust tables, written behind those acknowledgements
scope_app, adjudicate_app      the two hops
"""
