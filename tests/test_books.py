"An app as users write it, under load and kills: its invoices and its jobs agree to the row"
import pytest
from books import sell

@pytest.mark.slow
def test_invoices_and_jobs_agree():
    figures,wrong = sell(5, seed=1)
    assert not wrong[:5]
    assert figures['confirmed']>20 and figures['kills']>=1 and figures[402]>3
    assert figures['confirmed']<=figures['invoices']==figures['jobs'] and not figures[500]
