"""docker-compose.yml is right as far as it can be known without starting it.

The parts of the Compose specification that the file uses are written here as models that refuse
anything else; beyond form, what the services say about each other must agree: names, volumes,
ports, broker addresses, and command lines that `weir` understands.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

ROOT = Path(__file__).parent.parent
# Not in the repository: whoever starts the services brings the reference data.
BROUGHT = {"./reference"}

Duration = Annotated[str, StringConstraints(pattern=r"^(\d+(ms|s|m|h))+$")]
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]+$")]
Port = Annotated[str, StringConstraints(pattern=r"^127\.0\.0\.1:\d{1,5}:\d{1,5}$")]
Mount = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9./_-]+:/[a-zA-Z0-9./_-]+(:ro|:rw)?$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Strict(BaseModel):
    """A part of the file with these keys, of these types, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Dependency(Strict):
    """What must be true of another service first."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Healthcheck(Strict):
    """How a container is asked whether it works."""

    test: list[str] = Field(min_length=2)
    interval: Duration
    timeout: Duration
    retries: int = Field(ge=1)
    start_period: Duration


class Service(Strict):
    """A container; restart defaults to never, as Compose has it."""

    image: Image
    build: str | None = None
    command: list[str] = []
    environment: dict[Variable, str] = {}
    ports: list[Port] = []
    volumes: list[Mount] = []
    depends_on: dict[Name, Dependency] = {}
    healthcheck: Healthcheck | None = None
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"

    def option(self, name: str) -> str:
        """What the command line gives for an option."""
        return self.command[self.command.index(name) + 1]


class Compose(Strict):
    """The whole file, without its x- fragments."""

    name: Name
    services: dict[Name, Service]
    volumes: dict[Name, None] = {}


def read(text: str) -> Compose:
    """The file as Compose sees it: anchors resolved, x- fragments dropped."""
    content = yaml.safe_load(text)
    return Compose.model_validate({k: v for k, v in content.items() if not k.startswith("x-")})


@cache
def compose() -> Compose:
    """The project's own file."""
    return read((ROOT / "docker-compose.yml").read_text())


def weir_services() -> dict[str, Service]:
    """The services that run `weir`."""
    return {name: s for name, s in compose().services.items() if s.image.startswith("weir-")}


def parse(app: typer.Typer, words: list[str]) -> None:
    """Read a command line as `weir` would, without running it or looking for its files."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="weir")
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
        context = command.context_class(command, info_name=name, parent=context)
    given, rest, _ = command.make_parser(context).parse_args(args=list(words))
    assert rest == []
    needed = {parameter.name for parameter in command.params if parameter.required}
    assert needed <= {name for name, value in given.items() if value is not None}


def test_the_file_has_the_form_that_compose_reads() -> None:
    """Every key is known and every value has its type; the expected services are there."""
    services = {"kafka", "topics", "rate", "accrue", "control", "api", "prometheus"}
    assert set(compose().services) == services


@pytest.mark.parametrize(
    "fault",
    [
        "services: {a: {}}",
        "services: {a: {image: 'kafka:latest'}}",
        "services: {a: {image: 'kafka:4.4.0', comand: [x]}}",
        "services: {a: {image: 'kafka:4.4.0', ports: ['9092:9092']}}",
        "services: {a: {image: 'kafka:4.4.0', environment: {NODE: 1}}}",
        "services: {a: {image: 'kafka:4.4.0', restart: sometimes}}",
        "services: {a: {image: 'kafka:4.4.0', depends_on: {b: {condition: healthy}}}}",
        "services: {}\nvolume: {}",
    ],
)
def test_a_malformed_file_is_refused(fault: str) -> None:
    """The models would notice: no image, no version, a typing error, an open port, a wrong type."""
    with pytest.raises(ValidationError):
        read(f"name: weir\n{fault}")


def test_services_wait_only_for_what_can_come() -> None:
    """Dependencies exist, form no circle, and can reach the condition waited for."""
    services = compose().services
    order = TopologicalSorter({name: service.depends_on for name, service in services.items()})
    assert set(order.static_order()) == set(services)
    for service in services.values():
        for name, dependency in service.depends_on.items():
            if dependency.condition == "service_healthy":
                assert services[name].healthcheck
            if dependency.condition == "service_completed_successfully":
                assert services[name].restart == "no"


def test_volumes_are_declared_and_mounted_files_exist() -> None:
    """A named volume is declared and used; a mounted path is in the repository."""
    sources = {mount.partition(":")[0] for s in compose().services.values() for mount in s.volumes}
    paths = {source for source in sources if source.startswith(".")}
    assert sources - paths == set(compose().volumes)
    assert [path for path in paths - BROUGHT if not (ROOT / path).exists()] == []


def test_two_workers_never_share_a_directory() -> None:
    """The state of a worker is its own: no two services write to one volume."""
    writable = [
        mount.partition(":")[0]
        for service in compose().services.values()
        for mount in service.volumes
        if not mount.endswith(":ro")
    ]
    assert len(writable) == len(set(writable))


def test_published_ports_are_distinct() -> None:
    """No two services claim one port of the host."""
    ports = [port.split(":")[1] for s in compose().services.values() for port in s.ports]
    assert len(ports) == len(set(ports))


def test_images_are_those_of_this_version() -> None:
    """Weir's image carries the project's version; the broker is the one that tests run on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {s.image for s in weir_services().values()} == {
        f"{project['name']}:{project['version']}"
    }
    tested = re.search(r"^version=(\S+)$", (ROOT / "scripts/kafka.sh").read_text(), re.MULTILINE)
    assert tested
    assert compose().services["kafka"].image == f"apache/kafka:{tested[1]}"


def test_weir_finds_the_broker() -> None:
    """Every process of Weir is given an address that the broker advertises inside the network."""
    advertised = compose().services["kafka"].environment["KAFKA_ADVERTISED_LISTENERS"]
    addresses = {listener.partition("://")[2] for listener in advertised.split(",")}
    assert {s.option("--brokers") for s in weir_services().values()} <= addresses


def test_prometheus_reads_every_lasting_process() -> None:
    """Each worker and the API are scraped, at the port that they listen on."""
    listening = {
        f"{name}:{service.option('--metrics-port' if name != 'api' else '--port')}"
        for name, service in weir_services().items()
        if service.restart != "no"
    }
    configuration = yaml.safe_load((ROOT / "ops/prometheus.yml").read_text())
    targets = [
        target
        for job in configuration["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    assert sorted(targets) == sorted(listening)


@pytest.mark.parametrize("name", ["topics", "rate", "accrue", "control", "api"])
def test_weir_understands_its_command_line(name: str) -> None:
    """The command exists and takes these options, and none that it needs is missing."""
    parse(import_module("ops.cli").app, compose().services[name].command)


def test_a_wrong_command_line_is_noticed() -> None:
    """An unknown command, an unknown option, a word too many and a missing option are all found."""
    app = typer.Typer()

    @app.command()
    def run(speed: Annotated[int, typer.Option()]) -> None:
        """Run."""

    @app.command()
    def stop() -> None:
        """Stop."""

    parse(app, ["run", "--speed", "3"])
    parse(app, ["stop"])
    with pytest.raises(KeyError):
        parse(app, ["walk"])
    with pytest.raises(Exception, match="--far"):
        parse(app, ["run", "--speed", "3", "--far"])
    with pytest.raises(AssertionError):
        parse(app, ["run", "--speed", "3", "word"])
    with pytest.raises(AssertionError):
        parse(app, ["run"])


def test_the_image_is_built_from_files_that_exist() -> None:
    """What the Dockerfile copies and .dockerignore lets through is in the repository."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY ([\w./-]+) [\w./-]+$", dockerfile, re.MULTILINE)
    allowed = re.findall(r"^!([\w./-]+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert copied
    assert [path for path in (*copied, *allowed) if not (ROOT / path).exists()] == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    assert {package.partition(".")[0] for package in packages} <= set(allowed)
