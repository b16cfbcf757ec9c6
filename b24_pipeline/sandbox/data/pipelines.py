"""The generated pipelines and directories, with stages that were deleted but stay referenced."""

from __future__ import annotations

from b24_pipeline.sandbox.crm.stages import CrmPipeline, Directories, DirectoryEntry, directory_of
from b24_pipeline.sandbox.vocabulary import DIRECTORIES

PIPELINES = (
    CrmPipeline(0, "Продажи", 100),
    CrmPipeline(4, "Партнёры B2B", 200),
    CrmPipeline(6, "Сервис 🛠", 300),
    CrmPipeline(9, "Повторные продажи", 400),
)
_Stage = tuple[str, str, str]
LEAD_STAGES: tuple[_Stage, ...] = (
    ("NEW", "Не обработан", ""),
    ("IN_PROCESS", "В работе", ""),
    ("UC_QUALIF", "Квалификация", ""),
    ("UC_OLDLED", "Удалённый статус", ""),
    ("PROCESSED", "Обработан", ""),
    ("CONVERTED", "Качественный лид", "S"),
    ("JUNK", "Некачественный лид", "F"),
)
DEAL_STAGES: dict[int, tuple[_Stage, ...]] = {
    0: (
        ("NEW", "Новая", ""),
        ("PREPARATION", "Подготовка документов", ""),
        ("UC_DEL000", "Удалённая стадия", ""),
        ("PREPAYMENT_INVOICE", "Счёт на предоплату", ""),
        ("EXECUTING", "В работе", ""),
        ("FINAL_INVOICE", "Финальный счёт", ""),
        ("WON", "Сделка успешна", "S"),
        ("LOSE", "Сделка провалена", "F"),
        ("APOLOGY", "Анализ причины провала", "F"),
    ),
    4: (
        ("NEW", "Знакомство", ""),
        ("PREPARATION", "Встреча", ""),
        ("UC_OLD01", "Старый этап", ""),
        ("UC_7X9K2P", "Договор", ""),
        ("EXECUTING", "Отгрузка", ""),
        ("WON", "Партнёр", "S"),
        ("LOSE", "Отказ", "F"),
        ("APOLOGY", "Анализ отказа", "F"),
    ),
    6: (
        ("NEW", "Заявка", ""),
        ("1", "Диагностика", ""),
        ("2", "Ремонт", ""),
        ("WON", "Закрыта", "S"),
        ("LOSE", "Отменена", "F"),
        ("APOLOGY", "Разбор", "F"),
    ),
    9: (
        ("NEW", "Напоминание", ""),
        ("PREPARATION", "Предложение", ""),
        ("EXECUTING", "Согласование", ""),
        ("WON", "Повторная покупка", "S"),
        ("LOSE", "Не сейчас", "F"),
    ),
}
DELETED = {("lead", 0, "UC_OLDLED"), ("deal", 0, "UC_DEL000"), ("deal", 4, "C4:UC_OLD01")}
_COLORS = {"": "#39A8EF", "S": "#7BD500", "F": "#FF5752"}


def stage_code(category_id: int, code: str) -> str:
    """Funnel 0 has no prefix, funnel n has `Cn:` (docs/bitrix24-rest.md, section 6.4)."""
    return f"C{category_id}:{code}" if category_id else code


def pipeline_stages(entity_type: str) -> dict[int, list[tuple[str, str]]]:
    """Category -> (code, semantics) in order, deleted stages included."""
    if entity_type == "lead":
        return {0: [(code, semantics) for code, _, semantics in LEAD_STAGES]}
    return {
        category_id: [(stage_code(category_id, code), semantics) for code, _, semantics in stages]
        for category_id, stages in DEAL_STAGES.items()
    }


def generate_directories() -> Directories:
    """All directories; the deleted stages are added and then deleted, as it happened."""
    directories = Directories(PIPELINES, [])
    for entity_id, names in DIRECTORIES.items():
        for place, (code, name) in enumerate(names.items()):
            directories.add(
                DirectoryEntry(0, entity_id, code, name, (place + 1) * 10, system=code != "UC_WHATSAPP")
            )
    _add_stages(directories, "lead", 0, LEAD_STAGES)
    for category_id, stages in DEAL_STAGES.items():
        _add_stages(directories, "deal", category_id, stages)
    for entity_type, category_id, code in sorted(DELETED):
        directories.delete(directory_of(entity_type, category_id), code)
    return directories


def _add_stages(
    directories: Directories, entity_type: str, category_id: int, stages: tuple[_Stage, ...]
) -> None:
    for place, (code, name, semantics) in enumerate(stages):
        directories.add(
            DirectoryEntry(
                id=0,
                entity_id=directory_of(entity_type, category_id),
                status_id=stage_code(category_id, code),
                name=name,
                sort=(place + 1) * 10,
                semantics=semantics,
                color=_COLORS[semantics],
                system=code in {"NEW", "WON", "LOSE", "CONVERTED", "JUNK"},
                category_id=category_id if category_id else None,
            )
        )
