"""Findings in plain English that claims no more than the interval allows.

Every sentence states an association ("goes with"), never an effect; where the interval contains zero it says "no clear
association", whatever the estimate. Numbers contain narrow no-break spaces, so that they never wrap.
"""
