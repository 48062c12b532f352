"""Customers of a telecom company from a known causal process, with the truth beside them.

The columns are exactly those of IBM's Telco data set; the customers are invented. Because the process is
known, tests can ask what no real data can answer: is a score calibrated against the true risk, do the
reasons name what really drives a customer away, whom does a retention offer keep?

The causal graph, in the order in which a customer comes to be::

    SeniorCitizen, Partner, Dependents                gender (affects nothing)
        |        |
        |        +--> attachment (unobserved: how settled a customer is)
        v                 |
    InternetService       +--> tenure
        |                 |      |
        +--> PhoneService, MultipleLines, add-ons, streaming
        |                 |      |
        +---------------> Contract <-- tenure, add-ons, household
        |                 |
        +--> PaperlessBilling, PaymentMethod <-- attachment, tenure
        v
    MonthlyCharges = price list of the services + a deviation;  TotalCharges = tenure x MonthlyCharges, about
        v
    dissatisfaction = log-odds of the drivers + luck (logistic, unobserved)  -->  Churn, when above 0

* Attachment is the common cause behind the correlations of tenure, contract, add-ons and automatic payment.
  It has no effect on leaving but through those columns, so the true risk is a function of the columns, and
  a perfect model of them has the ROC AUC of the true risk: about 0.85, as on IBM's file. The rest is luck.
* The log-odds are a sum over columns plus three small interactions: fiber and electronic checks with
  month-to-month contracts, fiber without tech support.
* A retention offer (12 months at a discount) helps the persuadable, changes nothing for sure things and
  lost causes, and wakes a few sleeping dogs. Ranking by risk is not ranking by its effect.

Coefficients: :mod:`churnguard_simulator.equations` (how columns come about) and
:mod:`churnguard_simulator.drivers` (why customers leave). Row ``i`` is a function of the seed and ``i``
alone.
"""

from __future__ import annotations

from churnguard_simulator.csv_files import write_csv_files, write_customers_csv, write_truth_csv
from churnguard_simulator.schema import (
    CATEGORIES,
    COLUMN_ORDER,
    Categorical,
    Customers,
    SimulatedColumn,
    Truth,
)
from churnguard_simulator.simulation import CHUNK_ROWS, MAX_ROWS, MAX_SEED, iter_chunks, simulate

__all__ = [
    "CATEGORIES",
    "CHUNK_ROWS",
    "COLUMN_ORDER",
    "MAX_ROWS",
    "MAX_SEED",
    "Categorical",
    "Customers",
    "SimulatedColumn",
    "Truth",
    "iter_chunks",
    "simulate",
    "write_csv_files",
    "write_customers_csv",
    "write_truth_csv",
]
