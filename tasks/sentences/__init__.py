"""From findings to plain English that claims no more than the interval does.

Every sentence speaks of association ("goes with"), never of effect; where the interval contains zero it says
"no clear association", whatever the estimate. Numbers carry narrow no-break spaces, so that they never wrap.
"""
