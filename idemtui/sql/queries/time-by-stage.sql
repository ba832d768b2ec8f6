-- Where does the time go?
select r.name, g.stage, round(sum(g.seconds), 1) as seconds, sum(g.tokens) as tokens
from stages as g join runs as r using (run_id)
group by all
order by seconds desc
