-- depends: 0028_locks
-- Small stages are compared by turns as well, so each stage has its row here.

comment on table reconciliation_turns is
'How far each stage was compared row by row, and when. The longest unread comes first.';
comment on column reconciliation.portal_amounts is
'Sum by currency in the portal. The portal counts but does not sum, so there is one only where every row of the stage was read in this check, when it was its turn. Null where only counts, or counts and some rows, were compared.';
