-- What are the tables?
select table_name, string_agg(column_name, ', ' order by ordinal_position) as columns
from information_schema.columns
where table_schema = 'main'
group by table_name
order by table_name
