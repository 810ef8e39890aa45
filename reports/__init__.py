"""Reports: tables and pages made from a run folder alone."""

def write_reports(folder): pass
