-- What came out: the paper's rule and our interval, cells first.
select study, scope, cell, replicates, amplified_by_paper, round(a, 1) as a, round(l, 1) as l,
       round(ci_low, 1) as ci_low, round(ci_high, 1) as ci_high, label
from verdicts
order by study, scope, cell
