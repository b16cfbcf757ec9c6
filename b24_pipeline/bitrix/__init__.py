"""The Bitrix24 API client: calls, batches, whole lists, and the budget they stay within."""
