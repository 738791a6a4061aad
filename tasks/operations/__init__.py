"""Operations: checks of the machine, the data-quality gate, plans and costs, the state of a home."""
