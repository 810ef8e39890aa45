"""OpenML's answers, as a server on loopback gives them: a data set, its columns, a suite, a task with folds."""

import hashlib
from typing import Any

ROWS = 40
ARFF = (
    "@relation credit\n@attribute id numeric\n@attribute amount numeric\n@attribute purpose {car,house}\n"
    "@attribute noise numeric\n@attribute class {good,bad}\n@data\n"
    + "".join(
        f"{i},{i * 3 % 17 if i % 9 else '?'},{('car', 'house')[i % 2]},{i % 5},{('good', 'bad')[i // 3 % 2]}\n"
        for i in range(ROWS)
    )
)
NAMES = {"id": "numeric", "amount": "numeric", "purpose": "nominal", "noise": "numeric", "class": "nominal"}
VALUES = {"purpose": ("car", "house"), "class": ("good", "bad")}
PARAMETERS = (
    '<oml:parameter name="number_repeats">2</oml:parameter><oml:parameter name="number_folds">4</oml:parameter>'
)
REPEATS, FOLDS = 2, 4
NS = 'xmlns:oml="http://openml.org/openml"'


def fold_of(row: int, repeat: int) -> int:
    """Return the fold that tests a row."""
    return (row + repeat * (row // FOLDS)) % FOLDS


def write_splits(repeats: int = REPEATS, folds: int = FOLDS) -> str:
    """Write the file of a task's splits: each row of each repeat and fold, on one of two sides, in no order."""
    lines = [
        f"{'TEST' if fold_of(row, repeat) == fold else 'TRAIN'},{row},{repeat},{fold}"
        for repeat in range(repeats)
        for fold in range(folds)
        for row in reversed(range(ROWS))
    ]
    return (
        "@relation splits\n@attribute type {TRAIN,TEST}\n@attribute rowid numeric\n@attribute repeat numeric\n"
        "@attribute fold numeric\n@data\n" + "\n".join(lines) + "\n"
    )


def tags(**values: Any) -> str:
    """Write values as OpenML's elements."""
    return "".join(f"<oml:{name}>{value}</oml:{name}>" for name, value in values.items())


class Answers:
    """What the server says, by path; tests may change it."""

    def __init__(self, address: str) -> None:
        self.asked: list[str] = []
        self.arff = ARFF
        self.md5 = hashlib.md5(ARFF.encode()).hexdigest()
        self.address = address
        self.splits = write_splits()
        self.target = "class"
        self.ignored = "noise"
        self.task_type = (1, "Supervised Classification")

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the body of an answer."""
        self.asked.append(path)
        if path == "/data/download/31/credit.arff":
            return 200, self.arff
        if path == "/splits/7.arff":
            return 200, self.splits
        pages = {
            "/api/v1/xml/data/31": self.about,
            "/api/v1/xml/data/features/31": self.features,
            "/api/v1/xml/study/99": self.study,
            "/api/v1/xml/task/7": self.task,
        }
        if path in pages:
            return 200, f'<?xml version="1.0"?>{pages[path]()}'
        return 412, f"<oml:error {NS}>{tags(code=111, message='Unknown dataset')}</oml:error>"

    def about(self) -> str:
        """Describe the data set."""
        values = tags(id=31, name="credit", version=1, description="Made.", format="ARFF", licence="CC0")
        where = tags(url=f"{self.address}/data/download/31/credit.arff", file_id=31)
        roles = tags(default_target_attribute="class", row_id_attribute="id", ignore_attribute=self.ignored)
        state = tags(visibility="public", status="active", md5_checksum=self.md5)
        return f"<oml:data_set_description {NS}>{values}{where}{roles}{state}</oml:data_set_description>"

    def features(self) -> str:
        """Describe the columns."""
        lines = []
        for index, (name, kind) in enumerate(NAMES.items()):
            values = "".join(tags(nominal_value=value) for value in VALUES.get(name, ()))
            flags = tags(is_target="true" if name == "class" else "false", is_ignore="false", is_row_identifier="false")
            about = tags(index=index, name=name, data_type=kind) + values + flags + tags(number_of_missing_values=0)
            lines.append(f"<oml:feature>{about}</oml:feature>")
        return f"<oml:data_features {NS}>{''.join(lines)}</oml:data_features>"

    def study(self) -> str:
        """Describe the suite."""
        values = tags(id=99, alias="made", main_entity_type="task", name="Made", description="Made.", status="active")
        rest = tags(creation_date="2020-01-01", creator=1)
        parts = f"<oml:data>{tags(data_id=31)}</oml:data><oml:tasks>{tags(task_id=7)}</oml:tasks>"
        return f"<oml:study {NS}>{values}{rest}{parts}</oml:study>"

    def task(self) -> str:
        """Describe the task."""
        source = f"<oml:data_set>{tags(data_set_id=31, target_feature=self.target)}</oml:data_set>"
        procedure = tags(id=1, type="crossvalidation", data_splits_url=f"{self.address}/splits/7.arff") + PARAMETERS
        number, kind = self.task_type
        return (
            f"<oml:task {NS}>{tags(task_id=7, task_name='t', task_type_id=number, task_type=kind)}"
            f'<oml:input name="source_data">{source}</oml:input><oml:input name="estimation_procedure">'
            f"<oml:estimation_procedure>{procedure}</oml:estimation_procedure></oml:input>"
            f'<oml:input name="evaluation_measures"><oml:evaluation_measures>{tags(evaluation_measure="")}'
            "</oml:evaluation_measures></oml:input></oml:task>"
        )
