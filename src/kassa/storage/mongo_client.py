"""The driver's client: what an address is taken to mean, and what each operation waits for."""

import warnings

from pymongo import AsyncMongoClient

from kassa.kit.clock import Millis
from kassa.storage.mongo_lanes import Stored

_CONNECTIONS = 32
_LOOK_AGAIN: Millis = 2_000  # How long at most a server that is back is not known to be.


def connect(uri: str, patience: Millis) -> AsyncMongoClient[Stored]:
    """A client, which connects when it is first used; ValueError for an address that the driver would not take, or only
    with a warning: an option of TLS that is misspelled must not become a connection without."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            return AsyncMongoClient(
                uri,
                appname="kassa",
                w="majority",
                journal=True,
                readConcernLevel="majority",
                readPreference="primary",
                retryWrites=True,
                retryReads=True,
                timeoutMS=patience,
                serverSelectionTimeoutMS=patience // 2,
                connectTimeoutMS=patience // 2,
                waitQueueTimeoutMS=patience // 2,
                maxPoolSize=_CONNECTIONS,
                heartbeatFrequencyMS=_LOOK_AGAIN,
            )
        except UserWarning as warning:
            raise ValueError("an option is not known" if "Unknown option" in str(warning) else str(warning)) from None
        except OSError as error:
            raise ValueError(f"a file that it names cannot be read ({error.strerror})") from None
