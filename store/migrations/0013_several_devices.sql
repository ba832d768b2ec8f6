-- A stage may have had several GPUs at once (its device: UUIDs with commas between them): utilisation is their mean, memory and
-- temperature those of the fullest and the hottest, power and energy those of all of them together.

CREATE OR REPLACE VIEW stage_devices AS
SELECT
    s.run_id, s.cycle, s.stage, s.device, s.started_at, s.seconds, s.tokens,
    s.tokens / nullif(s.seconds, 0) AS tokens_per_second,
    avg(t.value) FILTER (t.name = 'utilization') AS utilization,
    max(t.value) FILTER (t.name = 'memory') AS memory_peak,
    avg(t.value) FILTER (t.name = 'power') * count(DISTINCT s.one) AS power,
    avg(t.value) FILTER (t.name = 'power') * count(DISTINCT s.one) * any_value(s.seconds) / 3600 AS watt_hours,
    max(t.value) FILTER (t.name = 'temperature') AS temperature_peak,
    count(t.value) FILTER (t.name = 'utilization') AS looks
FROM (SELECT *, unnest(string_split(coalesce(device, ''), ',')) AS one FROM stages WHERE finished_at IS NOT NULL) AS s
LEFT JOIN telemetry AS t ON t.device = s.one AND t.ts >= s.started_at AND t.ts <= s.finished_at
GROUP BY s.run_id, s.cycle, s.stage, s.device, s.started_at, s.seconds, s.tokens;
