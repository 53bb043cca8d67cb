"""The same as in `test_order_machine`, with the documents in a real MongoDB and the stock in a real Valkey."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests.trade.stores import SERVERS
from tests.trade.test_order_machine import OrderMachine


class OrderMachineOnServers(OrderMachine):
    """What a process that died has sent is carried out all the same, maybe after it has started again."""

    form = SERVERS

    def bury(self) -> None:
        super().bury()
        gc.collect()


TestOrdersOnServers = pytest.mark.slow(OrderMachineOnServers.TestCase)
# Who dies while it connects does not close its sockets.
TestOrdersOnServers = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")(TestOrdersOnServers)
TestOrdersOnServers.settings = settings(
    max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
