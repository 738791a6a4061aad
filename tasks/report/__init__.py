"""The report: one snapshot of a warehouse as one judge scored it, on one page that needs no network."""

from tasks.report.data import Counts, ReportData, read_report_data
from tasks.report.page import render_report, write_pictures, write_report

__all__ = ["Counts", "ReportData", "read_report_data", "render_report", "write_pictures", "write_report"]
