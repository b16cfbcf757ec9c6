"""Bitrix24 in PostgreSQL: complete, fresh, with its history, and with figures one can trust."""
