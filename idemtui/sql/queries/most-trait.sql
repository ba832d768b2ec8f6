-- Which answers carry most of the trait?
select r.name, s.cycle, s.trait, s.coherence, s.prompt, s.response
from scored_samples as s join runs as r using (run_id)
where s.purpose = 'eval'
order by s.trait desc nulls last
limit 50
