"""A seeded population of made-up claims and transplant histories, with its ground truth.

Nothing here stems from a person, a provider or a payer. It is for the demo, the benchmarks,
the tests and for anybody who wants to try the service without data of their own.
"""

from stream_app.synthetic.population import Event, Plan, Population, Stream, Truth

__all__ = ["Event", "Plan", "Population", "Stream", "Truth"]
