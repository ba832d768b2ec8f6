-- How did the losses fall? One point per optimizer step.
select r.name, t.cycle, t.step, t.value as loss
from train_steps as t join runs as r using (run_id)
where t.name = 'loss'
order by r.name, t.cycle, t.step
