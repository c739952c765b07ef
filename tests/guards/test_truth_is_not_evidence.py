"""An attack cannot see what it is judged by."""

import ast

from tests.guards.source_tree import dotted, modules

ATTACK = "services/attacker/attack/"
TRUTH = {"target_is_member", "target_labels", "target_truth", "true_labels", "truth", "labels", "membership"}
KEEPERS_OF_THE_TRUTH = ("oracle", "referee", "judgement", "target_client", "store", "settings", "jobs")


def test_no_attack_takes_the_targets_membership() -> None:
    """Only `metrics` compares scores with the truth; the shadow's membership is the attacker's own."""
    found = [
        f"{name}:{node.lineno}: {_name_of(node)}"
        for name, tree in modules(ATTACK)
        if not name.endswith("/metrics.py")
        for node in ast.walk(tree)
        if _name_of(node) in TRUTH
    ]

    assert modules(ATTACK)
    assert found == []


def test_no_attack_imports_whoever_knows_the_truth() -> None:
    found = [
        f"{name}:{node.lineno}: {imported}"
        for name, tree in modules(ATTACK)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for imported in _imported(node)
        if (imported.startswith("services.") and imported.split(".")[2] != "attack")
        or set(imported.split(".")) & set(KEEPERS_OF_THE_TRUTH)
    ]

    assert found == []


def test_no_attack_imports_metrics() -> None:
    """What measures an attack against the truth is no part of it."""
    found = [
        f"{name}:{node.lineno}: {node.module}"
        for name, tree in modules(ATTACK)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("attack.metrics")
    ]

    assert found == []


def _name_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.AnnAssign):
        return dotted(node.target).rsplit(".", 1)[-1]
    return node.attr if isinstance(node, ast.Attribute) else None


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [f"{node.module}.{one.name}" for one in node.names]
