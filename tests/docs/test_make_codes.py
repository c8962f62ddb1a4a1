import importlib.util
import re
from pathlib import Path

from medres.errors import CODES

ROOT = Path(__file__).resolve().parents[2]


def load_script():
    spec = importlib.util.spec_from_file_location("make_codes", ROOT / "docs" / "make_codes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_codes_is_up_to_date():
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    assert page == load_script().build_page(), "run python docs/make_codes.py"


def test_every_code_has_its_entry_and_every_intake_code_its_note():
    module = load_script()
    page, notes = module.build_page(), module.read_notes()
    assert {code.room for code in CODES.values()} == set(module.ROOMS)
    assert all(f"### {code}\n" in page for code in CODES)
    assert set(notes) == {code.code for code in CODES.values() if code.room == "intake"}


def test_every_code_named_in_the_library_is_a_known_one():
    sources = [*(ROOT / "medres").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py"), *(ROOT / "app").rglob("*.py")]
    named = {code for path in sources for code in re.findall(r'"([EW]_[A-Z0-9_]+)"', path.read_text(encoding="utf-8"))}
    assert named <= set(CODES)
