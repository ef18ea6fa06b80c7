"""What the dashboards show, one module a dashboard."""
