-- name: forget()!
-- What failed in an earlier build.
delete from bitrix24_own_model_failures;

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
