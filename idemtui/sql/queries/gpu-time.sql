-- Where did GPU time go? Seconds, utilisation, memory at the peak, energy and tokens a second by stage.
select r.name, g.stage, round(sum(g.seconds), 1) as seconds,
       round(sum(g.utilization * g.seconds) / sum(g.seconds) filter (where g.utilization is not null), 1) as utilization,
       round(max(g.memory_peak) / 1e9, 1) as gigabytes, round(sum(g.watt_hours), 1) as watt_hours,
       round(sum(g.tokens) / nullif(sum(g.seconds), 0), 1) as tokens_per_second, sum(g.looks) as looks
from stage_devices as g join runs as r using (run_id)
where g.device <> 'cpu'
group by all
order by seconds desc
