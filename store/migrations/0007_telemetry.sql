-- Which stage used a device, and how: telemetry of the device between the stage's start and its end. Memory in bytes,
-- power in watts, utilisation in percent; energy is mean power times the stage's seconds.
CREATE VIEW stage_devices AS
SELECT
    s.run_id, s.cycle, s.stage, s.device, s.started_at, s.seconds, s.tokens,
    s.tokens / nullif(s.seconds, 0) AS tokens_per_second,
    avg(t.value) FILTER (t.name = 'utilization') AS utilization,
    max(t.value) FILTER (t.name = 'memory') AS memory_peak,
    avg(t.value) FILTER (t.name = 'power') AS power,
    avg(t.value) FILTER (t.name = 'power') * any_value(s.seconds) / 3600 AS watt_hours,
    max(t.value) FILTER (t.name = 'temperature') AS temperature_peak,
    count(t.value) FILTER (t.name = 'utilization') AS looks
FROM stages AS s
LEFT JOIN telemetry AS t ON t.device = s.device AND t.ts >= s.started_at AND t.ts <= s.finished_at
WHERE s.finished_at IS NOT NULL
GROUP BY ALL;
