-- name: delete_old()!
-- Whoever has not loaded their file within an hour uploads it again.
delete from bitrix24_uploads
where uploaded_at < now() - interval '1 hour';

-- name: delete_of(account, uploaded_by)!
-- One file for each person and portal.
delete from bitrix24_uploads
where user_account_id = :account and uploaded_by = :uploaded_by;

-- name: keep(account, uploaded_by, file_name, content)$
insert into bitrix24_uploads (user_account_id, uploaded_by, file_name, content)
values (:account, :uploaded_by, :file_name, :content)
returning id;

-- name: upload(account, uploaded_by, upload)
select
    file_name,
    content
from bitrix24_uploads
where
    id = :upload and user_account_id = :account and uploaded_by = :uploaded_by
    and uploaded_at >= now() - interval '1 hour';
