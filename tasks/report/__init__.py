"""The report: what a warehouse says about one snapshot as one judge sees it, on one page without a network."""

from tasks.report.data import Counts, ReportData, read_report_data
from tasks.report.page import render_report, write_report
from tasks.report.pictures import write_pictures

__all__ = ["Counts", "ReportData", "read_report_data", "render_report", "write_pictures", "write_report"]
