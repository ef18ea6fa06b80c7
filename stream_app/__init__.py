"""Decides donor lymphocyte infusion claims on Kafka by clinical guideline CG-TRANS-03."""

__version__ = "0.1.0"
