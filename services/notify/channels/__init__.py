"""The ways out of the house: LINE and SMS. Pure clients, no database, no broker; who uses them keeps the records."""
