"""The whole pipeline on one machine: claims in, decisions out, every answer checked.

One run has three acts: histories that are known before their claims, the claims, histories that
come too late. Acts that wait for each other make the outcome certain where the order of two
topics would leave it to chance.
"""
