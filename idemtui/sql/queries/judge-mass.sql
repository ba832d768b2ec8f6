-- Is the judge sure? Probability mass on numbers, and how often it had no answer.
select r.name, s.cycle, s.metric, count(*) as judged,
       round(avg(s.mass), 3) as mass, count(*) filter (where s.value is null) as without_value
from scores as s join runs as r using (run_id)
group by all
order by all
