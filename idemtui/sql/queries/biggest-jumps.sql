-- Which prompts jumped most from one generation to the next?
with means as (
    select run_id, cycle, prompt_id, any_value(prompt) as prompt, avg(trait) as trait
    from scored_samples
    where purpose = 'eval'
    group by all
)
select r.name, m.cycle, round(m.trait - before.trait, 1) as jump, round(m.trait, 1) as trait, m.prompt
from means as m
join means as before on before.run_id = m.run_id and before.prompt_id = m.prompt_id and before.cycle = m.cycle - 1
join runs as r on r.run_id = m.run_id
order by abs(m.trait - before.trait) desc nulls last
limit 50
