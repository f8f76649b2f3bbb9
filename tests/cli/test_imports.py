"""A module that does not import: one line says where and why."""

from __future__ import annotations

import pytest

from fluid.runtime.importing import refuse_in_import

GUARD = "put what is only for the program itself under  if __name__ == '__main__':"

CALL_GUARD = "put that call under  if __name__ == '__main__':"

BROKEN = {
    "x = 1\nx / 0": "cannot be imported: app.py:2: ZeroDivisionError: division by zero",
    "import json\njson.loads('{')": (
        "cannot be imported: app.py:2: JSONDecodeError: Expecting property name enclosed in double "
        "quotes: line 1 column 2 (char 1)"
    ),
    "import nowhere_to_be_found": (
        "cannot be imported: app.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    ),
    "import app.missing": (
        "cannot be imported: app.py:1: ModuleNotFoundError: No module named 'app.missing'; "
        "'app' is not a package"
    ),
    "import helper": "cannot be imported: helper.py:1: SyntaxError: invalid syntax",
    "x = 1\nclass": "cannot be imported: app.py:2: SyntaxError: invalid syntax",
    "raise ValueError('a\\nfluid: b')": "cannot be imported: app.py:1: ValueError: a",
    "raise ValueError('\\x1b[2J')": "cannot be imported: app.py:1: ValueError: \\x1b[2J",
    "raise GeneratorExit": "cannot be imported: app.py:1: GeneratorExit",
    "raise KeyboardInterrupt": "cannot be imported: app.py:1: KeyboardInterrupt",
    "def f(): f()\nf()": (
        "cannot be imported: app.py:1: RecursionError: maximum recursion depth exceeded"
    ),
    "import sys\nsys.exit(7)": (
        f"ends the process when it is imported (SystemExit: 7), at app.py:2; {GUARD}"
    ),
}


@pytest.mark.parametrize("source", BROKEN)
@pytest.mark.parametrize("command", ["run", "check"])
def test_an_import_that_fails_says_where_in_one_line(project, command, source):
    """I11, Z13"""
    project.write("app.py", source)
    project.write("helper.py", "=")
    end = project.fluid(command, "app:main")
    assert end == (2, [], [f"fluid: module 'app' {BROKEN[source]}"])


def test_a_package_that_imports_the_missing_target_itself_is_told_by_its_line(project):
    """I11"""
    project.write("shop/__init__.py", "import shop.workers")
    line = (
        "fluid: module 'shop.workers' cannot be imported: shop/__init__.py:1: "
        "ModuleNotFoundError: No module named 'shop.workers'"
    )
    assert project.fluid("check", "shop.workers:main") == (2, [], [line])


def test_debugging_shows_the_traceback_above_the_line(project):
    project.write("app.py", "1 / 0")
    end = project.fluid("check", "--debug", "app:main")
    assert (end.code, end.lines) == (2, [])
    assert end.errors[0] == "Traceback (most recent call last):"
    assert end.errors[-1].startswith("fluid: module 'app' cannot be imported: app.py:1: ZeroDiv")


def test_a_module_that_runs_its_worker_when_it_is_imported_is_refused(project):
    """Z13"""
    project.write(
        "app.py",
        """
        import fluid
        class Short(fluid.Worker):
            async def run(self): pass
        main = Short()
        fluid.run(main)
        """,
    )
    end = project.fluid("run", "app:main")
    assert (end.code, end.lines, len(end.errors)) == (2, [], 1)
    assert end.errors[0].endswith("under  if __name__ == '__main__':")


def test_a_module_that_only_runs_as_a_program_is_fine(project):
    project.write(
        "app.py",
        """
        import fluid
        class Short(fluid.Worker):
            async def run(self): pass
        main = Short()
        if __name__ == "__main__":
            fluid.run(main)
        """,
    )
    assert project.fluid("check", "app:main").code == 0


def test_running_a_worker_is_refused_while_a_module_is_imported_and_not_afterwards(project):
    """Z13"""
    project.write("app.py", "from fluid.runtime import importing\nimporting.refuse_in_import()")
    line = (
        "fluid: module 'app' cannot be imported: app.py:2: FluidError: fluid.run() was called "
        f"while module 'app' is imported, to be run by the command line; {CALL_GUARD}"
    )
    assert project.fluid("run", "app:main") == (2, [], [line])
    refuse_in_import()


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_an_error_in_a_library_is_told_by_the_users_own_line(project, folder):
    """I11"""
    library = project.folder / "lib" / folder
    project.write(f"lib/{folder}/library.py", "1 / 0")
    project.write("app.py", f"import sys\nsys.path.append({str(library)!r})\nimport library\n")
    line = "fluid: module 'app' cannot be imported: app.py:3: ZeroDivisionError: division by zero"
    assert project.fluid("check", "app:main") == (2, [], [line])


def test_a_module_that_has_left_us_in_no_folder_at_all_is_told_by_its_full_path(project):
    leave = "import os, tempfile\nwith tempfile.TemporaryDirectory() as folder: os.chdir(folder)\n"
    file = project.write("app.py", f"{leave}1 / 0\n")
    line = f"fluid: module 'app' cannot be imported: {file}:3: ZeroDivisionError: division by zero"
    assert project.fluid("check", "app:main") == (2, [], [line])
