"An app as users write it, under load and kills: its invoices and its jobs agree to the row"
import pytest
from books import Shop

@pytest.mark.slow
def test_invoices_and_jobs_agree(tmp_path):
    shop = Shop(tmp_path, seed=1)
    try: shop.run(5)
    finally: shop.close()
    figures,wrong = shop.check()
    assert not wrong[:5]
    assert figures['confirmed']>20 and figures['kills']>=1 and figures[402]>3
    assert figures['confirmed']<=figures['invoices']==figures['jobs'] and not figures[500]
