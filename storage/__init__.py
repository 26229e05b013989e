"""What must outlive the process: members and quotas, jobs, ledger, images.

Knows no torch and no chat platform.
"""
