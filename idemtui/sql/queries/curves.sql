-- Every curve: trait and coherence of each run, generation by generation.
select name, cycle, c.trait, coherence
from trait_curve as c join runs using (run_id)
order by all
