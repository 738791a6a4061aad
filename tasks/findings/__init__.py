"""The findings: how documentation goes with popularity, each estimate with its interval and caveats."""
