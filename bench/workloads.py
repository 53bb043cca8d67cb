"""All the workloads: those of the package, and those that need servers of their own."""

from functools import partial

from bench.beside import beside
from bench.filling_mongo import fill_mongo
from bench.forms import clients, forms
from bench.overload import overload
from bench.scaling import scaling
from bench.servers import ON_SERVERS
from kassa.bench import workloads
from kassa.bench.growth import growth
from kassa.bench.workloads import Workload

WORKLOADS: dict[str, Workload] = {
    **workloads.WORKLOADS,
    "forms": forms,
    "clients": clients,
    "overload": overload,
    "scaling": scaling,
    "growth-servers": partial(growth, form=ON_SERVERS, fill_up=fill_mongo),
    "beside": beside,
    "beside-servers": partial(beside, form=ON_SERVERS, fill_up=fill_mongo),
}
