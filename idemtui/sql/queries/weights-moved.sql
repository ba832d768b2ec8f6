-- Did every training move the weights?
select r.name, c.cycle, c.optimizer_steps, c.delta_norm, c.gradient_norm_max
from cycles as c join runs as r using (run_id)
where c.cycle >= 0
order by all
