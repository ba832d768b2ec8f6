-- Do sentences get shorter? Length and repetition of measured answers.
select r.name, s.cycle, count(*) as answers,
       round(avg(s.mean_sentence_length), 1) as words_a_sentence,
       round(avg(s.repeat_4gram), 3) as repeated_4grams
from samples as s join runs as r using (run_id)
where s.purpose = 'eval'
group by all
order by all
