"""Scans without labels -> weights to start a classifier from, by comparing two variants of each scan with each other.

Method: SimSiam, Chen & He 2021, arXiv:2011.10566. Chosen because it needs neither negative pairs, nor a momentum
encoder, nor large batches (decisions/pretraining.md).
"""
