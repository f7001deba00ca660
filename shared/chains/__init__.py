"""The audit in hash chains, as every service keeps it: written by the database, signed beside it, read again here.

``rules`` reads chains and says what does not fit; ``store`` has the rows, ``witness`` signs where the chains stand and
reads all of them again; ``fhir`` writes a row as an AuditEvent; ``api`` serves both to auditors. How a row comes to be
is ``shared/audit.py``'s; the chains themselves are made by ``shared/migrations/0005_audit_chain.sql``.
"""
