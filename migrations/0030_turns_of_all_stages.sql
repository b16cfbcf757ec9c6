-- depends: 0028_locks
-- Small stages are compared by turns as well, so each stage has its row here.

comment on table reconciliation_turns is
'How far each stage was compared row by row, and when. The longest unread comes first.';
