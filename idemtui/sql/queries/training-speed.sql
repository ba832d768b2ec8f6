-- How much of the device did training use? Set `rate` to the device's FLOP/s for MFU (python -m tests.gpu.measure).
with card as (
    select cast(null as double) as rate
), sized as (
    select *, 1e9 * try_cast(regexp_extract(model, '(\d+(?:\.\d+)?)[bB](?:[-_/]|$)', 1) as double) as weights,
           case when spec ->> '$.train.method' = 'full' then 6 else 4 end
               + case when regime = 'dpo' then 2 else 0 end as operations
    from runs
)
select r.name, s.device, s.tokens, round(s.seconds, 1) as seconds, round(s.tokens_per_second, 1) as tokens_per_second,
       round(r.weights / 1e9, 2) as billion_weights_by_name,
       r.operations * r.weights * s.tokens_per_second / 1e12 as teraflops,
       r.operations * r.weights * s.tokens_per_second / card.rate as mfu
from stage_speed as s join sized as r using (run_id) cross join card
where s.stage = 'train'
order by all
