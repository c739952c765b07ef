"""The wheel, by itself: it holds everything, and runs where there is no checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import shared
from tests.guards.source_tree import PRODUCT, ROOT, committed_files

GRIDS = "services/attacker/experiments/grid_files"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a new environment with the wheel; the dependencies are those of this one."""
    home = tmp_path_factory.mktemp("empty")
    _run(sys.executable, "-m", "venv", "--without-pip", str(home))
    python = home / "bin" / "python"
    _run(
        sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)
    )
    packages = Path(_run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # a path named in a .pth file comes last, and the .pth files in it (the editable install) are not read
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def _run(*command: str, cwd: Path | None = None, timeout_s: float = 300) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_every_committed_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    """Migrations, templates and static files too, and nothing else but the wheel's own facts."""
    names = set(zipfile.ZipFile(wheel).namelist())
    committed = {path.relative_to(ROOT).as_posix() for path in committed_files()}

    of_packages = {name for name in committed if name.split("/")[0] in PRODUCT}
    of_packages |= {
        f"{GRIDS}/{path.name}" for path in committed_files() if path.parent == ROOT / "experiments"
    }
    own = {name for name in names if name.startswith(f"recleak-{shared.__version__}.dist-info/")}
    assert of_packages - names == set()
    assert names - own - of_packages == set()
    assert f"recleak-{shared.__version__}.dist-info/licenses/LICENSE" in own


def test_the_wheel_is_what_is_imported(scripts: Path, tmp_path: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    code = "; ".join(["import json", f"import {', '.join(PRODUCT)}", "print(json.dumps([%s]))"])
    found = _run(
        str(scripts / "python"), "-c", code % ", ".join(f"{one}.__file__" for one in PRODUCT), cwd=tmp_path
    )

    assert [path for path in json.loads(found) if not path.startswith(str(scripts.parent))] == []


def test_the_command_says_its_version(scripts: Path, tmp_path: Path) -> None:
    said = _run(str(scripts / "recleak"), "--version", cwd=tmp_path)

    assert shared.__version__ in said


def test_the_experiments_are_found_outside_the_checkout(scripts: Path, tmp_path: Path) -> None:
    said = _run(str(scripts / "recleak"), "experiment", "list", "--json", cwd=tmp_path)

    listed = {one["name"] for one in json.loads(said)}
    assert listed == {path.stem for path in (ROOT / "experiments").glob("*.toml")}
    assert "paper" in listed


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_runs_outside_the_checkout(scripts: Path, tmp_path: Path) -> None:
    """Both services start, one attacks the other, and a stranger's first figure is there."""
    _run(str(scripts / "recleak"), "demo", "--json", "out.json", cwd=tmp_path, timeout_s=380)

    result = json.loads((tmp_path / "out.json").read_text())
    assert result["figures"]["auc"] >= 0.9
    assert result["versions"]["recleak"] == shared.__version__
