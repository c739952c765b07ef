"""Everything that a spec can name, with sources and threat models."""

from services.attacker.attack.registry import BASELINES, PRESETS
from shared.contract.attacker import Catalogue, CatalogueEntry, Parameter
from shared.datasets.catalog import DATASETS
from shared.recommenders import registry


def make_catalogue() -> Catalogue:
    """Describe attacks, baselines, algorithms and datasets."""
    return Catalogue(
        attacks=tuple(
            CatalogueEntry(
                name=name.value, description=one.description, source=one.source, knowledge=one.knowledge
            )
            for name, one in PRESETS.items()
        ),
        baselines=tuple(
            CatalogueEntry(name=name, description=description, source="", knowledge=knowledge)
            for name, (description, knowledge) in BASELINES.items()
        ),
        algorithms=tuple(map(_algorithm, registry.describe())),
        datasets=tuple(
            CatalogueEntry(
                name=one.name,
                description=f"{one.title}. {one.citation} License: {one.license}",
                source=one.url,
            )
            for one in DATASETS
        ),
    )


def _algorithm(one: registry.Description) -> CatalogueEntry:
    parameters = tuple(
        Parameter(name=each.name, default=str(each.default), description=each.documentation)
        for each in one.parameters
    )
    return CatalogueEntry(
        name=one.algorithm.value, description=one.documentation, source="", parameters=parameters
    )
