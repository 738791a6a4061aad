"""The findings: how documentation is associated with popularity, each estimate with its interval and caveats."""
