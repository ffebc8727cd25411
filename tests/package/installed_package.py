"""A component of the package as it is installed, and projects that use it.

A test of a component is a unittest.TestCase that is an InstalledPackage, too, and sets the class's
fields. Its scratch directory is kept from run to run: files keep their times, so that a new prefix
makes nothing to compile.
"""

import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def show(*command):
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def run(program, *arguments, stdin=""):
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


class InstalledPackage:
    component = ""  # that is tested
    installed = ()  # the components that it takes
    examples = ""  # their folder in the tree
    headers = ""  # the folder in the tree with the public headers of the component
    unwanted = ()  # what its CMake files may not name
    configure_with = ()  # of the examples
    contract = ()  # the generated headers, as installed
    scratch = build_tree = cmake = None
    configure = ()

    @classmethod
    def setUpClass(cls):
        cls.prefix = cls.scratch / "prefix"
        cls.example_build = cls.scratch / "example"
        shutil.rmtree(cls.prefix, ignore_errors=True)
        for component in cls.installed:
            show(cls.cmake, "--install", cls.build_tree, "--prefix", cls.prefix, "--component",
                 component)
        cls.build(ROOT / cls.examples, cls.example_build, *cls.configure_with)

    @classmethod
    def build(cls, project, build, *options):
        show(cls.cmake, "-S", project, "-B", build, *cls.configure, f"-Dproctor_ROOT={cls.prefix}",
             *options, "--no-warn-unused-cli")
        show(cls.cmake, "--build", build)

    @staticmethod
    def public_headers(folder):
        """The names by which a folder's headers are included."""
        return {path.relative_to(ROOT / folder).as_posix().removesuffix(".in")
                for path in (ROOT / folder).rglob("*") if path.suffix in (".h", ".in")}

    def test_the_example_was_built_with_what_was_installed(self):
        cache = (self.example_build / "CMakeCache.txt").read_text()
        package = pathlib.Path(re.search("^proctor_DIR:PATH=(.*)$", cache, re.MULTILINE)[1])
        self.assertTrue(package.is_relative_to(self.prefix), package)

    def test_the_package_names_nothing_of_the_checkout_nor_its_warnings(self):
        texts = [file.read_text() for file in self.prefix.rglob("*.cmake")]
        self.assertTrue([text for text in texts if f"proctor::{self.component}" in text])
        for unwanted in (str(ROOT), str(self.build_tree), "proctor::flags", "-W", *self.unwanted):
            self.assertFalse([text for text in texts if unwanted in text], unwanted)

    def test_only_public_headers_are_installed(self):
        include = self.prefix / "include"
        found = {path.relative_to(include).as_posix() for path in include.rglob("*")
                 if path.is_file()}
        public = self.public_headers("core/include") | self.public_headers(self.headers)
        self.assertEqual(found, public | set(self.contract))
        folders = {path.relative_to(include).as_posix() for path in include.rglob("*")
                   if path.is_dir()}
        self.assertLessEqual(folders, {"proctor", "proctor/client", "proctor/v1"})

    def test_each_public_header_compiles_alone(self):
        project = self.scratch / "headers"
        project.mkdir(exist_ok=True)
        sources = []
        for header in sorted(self.public_headers(self.headers)):
            source = project / (header.replace("/", "_") + ".cc")
            sources.append(source.name)
            text = f'#include "{header}"\n'
            if not source.exists() or source.read_text() != text:
                source.write_text(text)
        self.assertTrue(sources)
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(headers LANGUAGES C CXX)\n"
            f"find_package(proctor REQUIRED COMPONENTS {self.component})\n"
            f"add_library(headers OBJECT {' '.join(sources)})\n"
            f"target_link_libraries(headers PRIVATE proctor::{self.component})\n")
        self.build(project, project / "build")
