#!/usr/bin/env python3
"""Builds and runs the host programs of examples against an installed library, and compares their images with Python's.

    Tests/hosts/run.py [--library FILE] [--model FOLDER] [--markdown FILE] [LANGUAGE...]

A host is a folder of examples with a host.json; docs/languages.md describes it. Missing toolchains are installed by apt,
and a toolchain that cannot be installed is a failure. Prints one line for each check and a table, and closes with
"N passed, N failed". LANGUAGE is the name of a folder; all if none is named.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings/python/src"))

SEED, STEPS = 11, 20
PROMPTS = {
    "image": "a cute cat face on a blue background",
    "image of a prompt beyond ASCII": 'a "cute" cat face \u2014 caf\u00e9 \U0001f431 \\n',
}
# A run that is asked to stop at a fifth must have ended before the half.
CANCELLED_STEPS, CANCEL_AFTER, LAST_STEP = 200, 0.2, 100
MISSING_MODEL = "/no/such/model"
WRONG_STEPS = 100001  # more than any schedule has
RESULT_KEYS = {"language", "version", "seconds", "cancelled", "cancel_seconds"}
HANGS_AFTER = 1800  # seconds, for a command that would never end


@dataclasses.dataclass
class Row:
    """A line of the table."""

    folder: str
    language: str
    version: str = ""
    lines: int = 0
    equal: str = "no"
    cancel: str = ""
    passed: bool = True

    def cells(self) -> list[str]:
        result = "passed" if self.passed else "FAILED"
        return [self.language, self.version, str(self.lines), self.equal, self.cancel, result]


HEADER = ["language", "version", "lines", "pixels equal", "cancel, s", "result"]


class Failure(Exception):
    """A check that does not hold."""


def require(holds: object, message: str) -> None:
    if not holds:
        raise Failure(message)


def shell(command: str, folder: pathlib.Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=HANGS_AFTER,
        )
    except subprocess.TimeoutExpired as expired:
        raise Failure(f"did not end within {HANGS_AFTER} s: {command}") from expired


class Reference:
    """What Python makes with the same library: the pixels of each prompt, and the messages of what fails."""

    def __init__(self, library: pathlib.Path, model: pathlib.Path) -> None:
        os.environ["PIXART_LIBRARY"] = str(library)
        import pixart

        self.read_image = pixart.read_image
        with pixart.Encoder(model) as encoder:
            negative = encoder.encode("")
            embeddings = {name: encoder.encode(prompt) for name, prompt in PROMPTS.items()}
        with pixart.Denoiser(model) as denoiser, pixart.Decoder(model) as decoder:
            self.images = {
                name: decoder.decode(denoiser.denoise(prompt, negative, seed=SEED, num_inference_steps=STEPS))[0]
                for name, prompt in embeddings.items()
            }
            try:
                denoiser.denoise(embeddings["image"], negative, num_inference_steps=WRONG_STEPS)
            except pixart.ArgumentError as error:
                self.wrong_option = f"PIXART_ERROR_OPTION: {error}"
        try:
            pixart.Encoder(MISSING_MODEL)
        except pixart.FileError as error:
            self.missing_model = f"PIXART_ERROR_FILE: {error}"

    def compare(self, name: str, path: pathlib.Path) -> None:
        require(path.is_file(), "no file was written")
        image = self.read_image(path)
        require(image.shape == self.images[name].shape, f"the image is {image.shape}")
        differing = int((image != self.images[name]).sum())
        require(differing == 0, f"{differing} of {image.size} values differ")


class Host:
    """One folder of examples, built in a copy of it."""

    def __init__(self, folder: pathlib.Path, work: pathlib.Path, environment: dict[str, str]) -> None:
        self.description = json.loads((folder / "host.json").read_text())
        self.source = folder
        self.copy = work / folder.name
        ignored = shutil.ignore_patterns("target", "build", ".build", "bin", "obj", "node_modules", "__pycache__")
        shutil.copytree(folder, self.copy, ignore=ignored)
        self.output = work / f"{folder.name}-output"
        self.output.mkdir()
        self.environment = environment
        self.row = Row(folder.name, self.description["language"], lines=self.lines())

    def lines(self) -> int:
        files = [path for pattern in self.description["sources"] for path in self.source.glob(pattern)]
        require(files, '"sources" of host.json matches no file')
        return sum(bool(line.strip()) for path in files for line in path.read_text().splitlines())

    def install_toolchain(self) -> None:
        check, packages = self.description["check"], self.description["packages"]
        if shell(check, self.copy, self.environment).returncode:
            sudo = "" if os.geteuid() == 0 else "sudo "
            apt = f"{sudo}env DEBIAN_FRONTEND=noninteractive apt-get"
            install = f"{apt} install -y -qq --no-install-recommends {shlex.join(packages)}"
            done = shell(f"{install} || {{ {apt} update -qq && {install}; }}", self.copy, dict(os.environ))
            require(done.returncode == 0, f"apt cannot install {' '.join(packages)}\n{done.stderr}")
        done = shell(check, self.copy, self.environment)
        require(done.returncode == 0, f"{check}: exit code {done.returncode}\n{done.stderr}")

    def command(self, name: str) -> None:
        if self.description.get(name):
            done = shell(self.description[name], self.copy, self.environment)
            require(done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")

    def run(
        self, model: object, prompt: str, output: pathlib.Path, *options: object
    ) -> subprocess.CompletedProcess[str]:
        arguments = shlex.join([str(model), prompt, str(output), *map(str, options)])
        return shell(f"{self.description['run']} {arguments}", self.copy, self.environment)

    def result(self, done: subprocess.CompletedProcess[str], code: int) -> dict[str, object]:
        """The line of JSON that the host prints, and nothing else."""
        require(done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stderr[-2000:]}")
        lines = done.stdout.splitlines()
        require(len(lines) == 1, f"printed {len(lines)} lines, expected one\n{done.stdout[-2000:]}")
        result = json.loads(lines[0])
        require(set(result) == RESULT_KEYS, f"the keys are {', '.join(result)}")
        require(result["language"] == self.row.language, f"the language is {result['language']}")
        require(re.match(r"\d+\.\d+", str(result["version"])), f"the version is {result['version']}")
        require(isinstance(result["seconds"], (int, float)), f"seconds is {result['seconds']}")
        require(result["cancelled"] is (code == 2), f"cancelled is {result['cancelled']}")
        self.row.version = str(result["version"])
        return dict(result)

    def makes_image(self, name: str, model: pathlib.Path, reference: Reference) -> None:
        path = self.output / "image.png"
        try:
            done = self.run(model, PROMPTS[name], path, "--seed", SEED, "--steps", STEPS)
            result = self.result(done, 0)
            require(result["cancel_seconds"] is None, f"cancel_seconds is {result['cancel_seconds']}")
            require(last_step(done.stderr, STEPS) == STEPS, f'no "step {STEPS} of {STEPS}"\n{done.stderr[-200:]}')
            reference.compare(name, path)
        finally:
            path.unlink(missing_ok=True)

    def cancels(self, model: pathlib.Path) -> None:
        path = self.output / "image.png"
        options = ("--steps", CANCELLED_STEPS, "--cancel-after", CANCEL_AFTER)
        done = self.run(model, PROMPTS["image"], path, *options)
        seconds = self.result(done, 2)["cancel_seconds"]
        require(isinstance(seconds, (int, float)) and seconds >= 0, f"cancel_seconds is {seconds}")
        step = last_step(done.stderr, CANCELLED_STEPS)
        require(CANCEL_AFTER * CANCELLED_STEPS - 1 <= step < LAST_STEP, f"it ended after step {step}")
        self.leaves_nothing()
        self.row.cancel = f"{seconds:.3f}"

    def reports(self, message: str, model: object, *options: object) -> None:
        done = self.run(model, PROMPTS["image"], self.output / "image.png", *options)
        require(done.returncode == 1, f"exit code {done.returncode}, expected 1\n{done.stderr[-2000:]}")
        require(message in done.stderr.splitlines(), f'no line "{message}"\n{done.stderr[-2000:]}')
        require(done.stdout == "", f"printed {done.stdout[-200:]}")
        self.leaves_nothing()

    def refuses(self, model: pathlib.Path) -> None:
        for words in ([], [str(model), "a cat", "image.png", "--stepz", "3"]):
            done = shell(f"{self.description['run']} {shlex.join(words)}", self.copy, self.environment)
            found = f"exit code {done.returncode}, expected 1, for {words}\n{done.stdout[-500:]}{done.stderr[-500:]}"
            require(done.returncode == 1, found)
            require(done.stderr.strip() and not done.stdout, f"no message on stderr for {words}")

    def leaves_nothing(self) -> None:
        left = [path.name for path in self.output.iterdir()]
        require(not left, f"it left {', '.join(left)}")


def last_step(text: str, steps: int) -> int:
    return max((int(step) for step in re.findall(rf"step +(\d+) of {steps}\b", text)), default=-1)


def checks(host: Host, model: pathlib.Path, reference: Reference) -> Iterator[tuple[str, object]]:
    yield "toolchain", host.install_toolchain
    yield "build", lambda: host.command("build")
    for name in PROMPTS:
        yield name, lambda name=name: host.makes_image(name, model, reference)
    yield "cancel", lambda: host.cancels(model)
    yield "message of a missing model", lambda: host.reports(reference.missing_model, MISSING_MODEL)
    yield "message of a wrong option", lambda: host.reports(reference.wrong_option, model, "--steps", WRONG_STEPS)
    yield "wrong arguments", lambda: host.refuses(model)
    if "test" in host.description:
        yield "own tests", lambda: host.command("test")


def table(rows: list[Row]) -> str:
    cells = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / ".build/release/libpixart.so")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/emoji")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the table to this file")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE")
    arguments = parser.parse_args()
    library, model = arguments.library.resolve(), arguments.model.resolve()
    folders = sorted(path.parent for path in ROOT.glob("examples/*/host.json"))
    unknown = set(arguments.languages) - {folder.name for folder in folders}
    if unknown or not folders:
        parser.error(f"no examples/{'|'.join(sorted(unknown)) or '*'}/host.json")
    if arguments.languages:
        folders = [folder for folder in folders if folder.name in arguments.languages]

    passed = failed = 0
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pixart-hosts-") as name:
        work = pathlib.Path(name)
        prefix = work / "prefix"
        install = [
            "make",
            "-s",
            "-f",
            str(ROOT / "packaging/install.mk"),
            "install",
            f"PREFIX={prefix}",
            f"LIBRARY={library}",
        ]
        subprocess.run(install, check=True)
        environment = dict(os.environ, PIXART_MODEL=str(model), PIXART_ROOT=str(ROOT), TMPDIR=name)
        environment["PKG_CONFIG_PATH"] = str(prefix / "lib/pkgconfig")
        environment["LD_LIBRARY_PATH"] = str(prefix / "lib")
        reference = Reference(library, model)
        for folder in folders:
            host = Host(folder, work, environment)
            rows.append(host.row)
            equal = 0
            for check, run in checks(host, model, reference):
                try:
                    run()  # type: ignore[operator]
                except (Failure, ValueError, OSError) as failure:
                    failed += 1
                    host.row.passed = False
                    print(f"FAIL {folder.name}: {check}", *str(failure).splitlines()[:20], sep="\n     ", flush=True)
                    if check in ("toolchain", "build"):
                        break
                else:
                    passed += 1
                    equal += check in PROMPTS
                    print(f"ok   {folder.name}: {check}", flush=True)
            host.row.equal = "yes" if equal == len(PROMPTS) else "no"
            shutil.rmtree(host.copy, ignore_errors=True)
    text = table(rows)
    print(text, end="")
    if arguments.markdown:
        arguments.markdown.write_text(text)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
