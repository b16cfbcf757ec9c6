"""The generated funnels and stages of items (docs/bitrix24-rest-more.md, section 1.4)."""

from __future__ import annotations

from b24_pipeline.sandbox.crm.item_entity import INVOICE, QUOTE
from b24_pipeline.sandbox.crm.stages import CrmPipeline, Directories, DirectoryEntry, directory_of

_Stage = tuple[str, str, str]
_SMART: tuple[_Stage, ...] = (
    ("NEW", "Начало", ""),
    ("PREPARATION", "Подготовка", ""),
    ("CLIENT", "Согласование", ""),
    ("SUCCESS", "Успех", "S"),
    ("FAIL", "Провал", "F"),
)
_INVOICE: tuple[_Stage, ...] = (
    ("N", "Новый", ""),
    ("S", "Отправлен", ""),
    ("P", "Оплачен", "S"),
    ("D", "Не оплачен", "F"),
)
_QUOTE: tuple[_Stage, ...] = (
    ("DRAFT", "Черновик", ""),
    ("SENT", "Отправлено клиенту", ""),
    ("RECEIVED", "Получено", ""),
    ("APPROVED", "Принято", "S"),
    ("DECLAINED", "Отклонено", "F"),
)
_COLORS = {"": "#22B9FF", "S": "#00FF00", "F": "#FF0000"}


def add_item_pipeline(directories: Directories, entity_type: str, name: str, type_id: int) -> CrmPipeline:
    """A funnel with its stages, whose codes name the type and the funnel: `DT156_12:NEW`."""
    pipeline = directories.add_pipeline(entity_type, name, type_id)
    number = pipeline.category_id
    stages = _INVOICE if entity_type == INVOICE else _SMART
    _add(directories, entity_type, number, stages, f"DT{type_id}_{number}:")
    return pipeline


def add_quote_stages(directories: Directories) -> None:
    """The one directory of quotes, whose codes have no prefix."""
    _add(directories, QUOTE, None, _QUOTE, "")


def item_stages(directories: Directories, entity_type: str) -> dict[int, list[tuple[str, str]]]:
    """Funnel -> (code, semantics) in order."""
    return {
        number: [(stage.status_id, stage.semantics) for stage in directories.stages(entity_type, number)]
        for number in directories.category_ids(entity_type)
    }


def _add(
    directories: Directories, entity_type: str, number: int | None, stages: tuple[_Stage, ...], prefix: str
) -> None:
    for place, (code, name, semantics) in enumerate(stages):
        directories.add(
            DirectoryEntry(
                id=0,
                entity_id=directory_of(entity_type, number or 0),
                status_id=prefix + code,
                name=name,
                sort=(place + 1) * 10,
                semantics=semantics,
                color=_COLORS[semantics],
                system=not 0 < place < len(stages) - 2,
                category_id=number,
            )
        )
