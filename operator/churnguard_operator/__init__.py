"""The operator: what it sees of a ChurnModel, what it decides, and what it wants to exist.

Everything here is pure: functions of frozen data, without input or output and without a clock.
"""
