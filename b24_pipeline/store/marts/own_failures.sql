-- name: forget(models)!
-- What failed in an earlier build of these models, or of any.
delete from bitrix24_own_model_failures
where cast(:models as text[]) is null or model = any(cast(:models as text[]));

-- name: note(model, reason)!
-- A model that failed in this one.
insert into bitrix24_own_model_failures (model, reason) values (:model, :reason);

-- name: failures()
-- What failed in the last build, by the model's name.
select
    model,
    reason
from bitrix24_own_model_failures
order by model;
