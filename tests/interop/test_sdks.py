"""The SDKs people use: each is turned away once, onboarded by the template, let in, and hears of itself.

Every client is a small program of its own, since most of them keep threads or an event loop. It is given
port, root, certificate and key, and tells in one JSON line how its first connection ended and what it
received on its second: its own message, and the lifecycle event about its own subscription.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import trustme

from jitpbroker import trace
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.credentials import in_memory
from jitpbroker.engine.local import LocalEngine
from jitpbroker.registry import AutoRegistration, CaStatus, RegistrationConfig, Registry
from jitpbroker.server import Server
from jitpbroker.thread import BrokerThread
from jitpbroker.x509 import Certificate

TREE: Final = Path(__file__).parents[2]
TEMPLATE: Final = TREE / "tests" / "vectors" / "provisioning-templates" / "01-stackoverflow-jitp.json"
NOW: Final = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
EVENT: Final = "$aws/events/subscriptions/subscribed/sdk"

MQTT_JS: Final = "5.16.0"
NPM: Final = TREE / ".venv" / "npm"

PAHO = """
import json, queue, sys
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
port, root, certificate, key, event = sys.argv[1:]

def session():
    happened, received = [], []
    client = Client(CallbackAPIVersion.VERSION2, client_id="sdk", reconnect_on_failure=False)
    client.tls_set(root, certificate, key)
    def on_connect(*_):
        happened.append("connected")
        client.subscribe([("a/b", 1), (event, 1)])
    def on_message(_c, _u, message):
        received.append(message.topic)
        if len(received) == 2:
            client.disconnect()
    client.on_connect, client.on_message = on_connect, on_message
    client.on_subscribe = lambda *_: client.publish("a/b", b"hello", qos=1)
    client.connect("localhost", int(port))
    client.loop_forever(retry_first_connection=False)
    return happened, received

print(json.dumps([session()[0], sorted(session()[1])]))
"""

AIOMQTT = """
import asyncio, json, ssl, sys
import aiomqtt
port, root, certificate, key, event = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
context.load_cert_chain(certificate, key)

def client(timeout):
    return aiomqtt.Client("localhost", int(port), identifier="sdk", tls_context=context, timeout=timeout)

async def main():
    first = ["connected"]
    try:
        async with client(1):
            pass
    except aiomqtt.MqttError:
        first = []
    received = []
    async with client(10) as second:
        await second.subscribe([("a/b", 1), (event, 1)])
        await second.publish("a/b", b"hello", qos=1)
        async for message in second.messages:
            received.append(message.topic.value)
            if len(received) == 2:
                break
    print(json.dumps([first, sorted(received)]))

asyncio.run(main())
"""

AMQTT = """
import asyncio, json, logging, sys
from amqtt.client import MQTTClient
from amqtt.errors import ClientError, ConnectError
logging.disable()
port, root, certificate, key, event = sys.argv[1:]

def client():
    return MQTTClient(client_id="sdk", config={
        "auto_reconnect": False, "check_hostname": False,
        "connection": {"cafile": root, "certfile": certificate, "keyfile": key},
    })

async def main():
    first = ["connected"]
    try:
        await asyncio.wait_for(client().connect(f"mqtts://localhost:{port}", cafile=root), 5)
    except (ClientError, ConnectError, TimeoutError, asyncio.CancelledError, AttributeError):
        first = []
    second = client()
    await second.connect(f"mqtts://localhost:{port}", cafile=root)
    await second.subscribe([("a/b", 1), (event, 1)])
    await second.publish("a/b", b"hello", qos=1)
    received = [(await second.deliver_message(timeout_duration=10)).topic for _ in range(2)]
    await second.disconnect()
    print(json.dumps([first, sorted(received)]))

asyncio.run(main())
"""

AWSCRT = """
import json, queue, sys
from awscrt import exceptions, mqtt
from awsiot import mqtt_connection_builder
port, root, certificate, key, event = sys.argv[1:]

def connection():
    return mqtt_connection_builder.mtls_from_path(
        endpoint="localhost", port=int(port), ca_filepath=root, cert_filepath=certificate,
        pri_key_filepath=key, client_id="sdk", clean_session=True, keep_alive_secs=30,
    )

first = ["connected"]
try:
    connection().connect().result(10)
except exceptions.AwsCrtError as error:
    first = [error.name]
second, received = connection(), queue.Queue()
second.connect().result(10)
for topic in ("a/b", event):
    subscribed, _ = second.subscribe(topic, mqtt.QoS.AT_LEAST_ONCE, lambda topic, **_: received.put(topic))
    subscribed.result(10)
published, _ = second.publish("a/b", b"hello", mqtt.QoS.AT_LEAST_ONCE)
published.result(10)
topics = sorted(received.get(timeout=10) for _ in range(2))
second.disconnect().result(10)
print(json.dumps([first, topics]))
"""

AWS_IOT_PYTHON_SDK = """
import json, logging, queue, sys, warnings
warnings.simplefilter("ignore")
from AWSIoTPythonSDK.MQTTLib import AWSIoTMQTTClient
from AWSIoTPythonSDK.exception.AWSIoTExceptions import connectTimeoutException
port, root, certificate, key, event = sys.argv[1:]

def client(timeout):
    made = AWSIoTMQTTClient("sdk")
    made.configureEndpoint("localhost", int(port))
    made.configureCredentials(root, key, certificate)
    made.configureConnectDisconnectTimeout(timeout)
    made.configureMQTTOperationTimeout(10)
    return made

# The close is reported as a time-out.
first, attempt = ["connected"], client(5)
try:
    attempt.connect()
except connectTimeoutException:
    first = []
    attempt.disconnectAsync()
second, received = client(10), queue.Queue()
second.connect()
for topic in ("a/b", event):
    second.subscribe(topic, 1, lambda _c, _u, message: received.put(message.topic))
second.publish("a/b", "hello", 1)
topics = sorted(received.get(timeout=10) for _ in range(2))
second.disconnect()
print(json.dumps([first, topics]))
"""

MQTT_JS_PROGRAM = """
const fs = require("fs"), mqtt = require("mqtt");
const [port, root, certificate, key, event] = process.argv.slice(2);
const options = {
  host: "localhost", port: Number(port), protocol: "mqtts", clientId: "sdk", reconnectPeriod: 0,
  ca: fs.readFileSync(root), cert: fs.readFileSync(certificate), key: fs.readFileSync(key),
};
const first = [];
const one = mqtt.connect(options);
one.on("connect", () => first.push("connected"));
one.on("error", () => {});
one.once("close", () => {
  const two = mqtt.connect(options), received = [];
  two.on("connect", () => two.subscribe(["a/b", event], { qos: 1 }, () =>
    two.publish("a/b", "hello", { qos: 1 })));
  two.on("message", (topic) => {
    received.push(topic);
    if (received.length === 2) two.end(false, () =>
      console.log(JSON.stringify([first, received.sort()])));
  });
});
"""


@dataclass(frozen=True)
class Lab:
    """A broker with the case's template, and a device below a registered CA certificate."""

    thread: BrokerThread
    registry: Registry
    records: trace.Trace
    files: tuple[str, str, str]  # root, certificate chain, key

    def run(self, *program: str, environment: dict[str, str] | None = None) -> list[list[str]]:
        """Run a client; what it told, or an error with what it complained about."""
        done = subprocess.run(
            [*program, str(self.thread.port), *self.files, EVENT],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **(environment or {})},
        )
        assert done.returncode == 0, done.stderr
        told: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
        return told

    def python(self, source: str) -> list[list[str]]:
        return self.run(sys.executable, "-c", source)

    def verdicts(self) -> list[str]:
        found = self.thread.call(lambda: [r for r in self.records if isinstance(r, trace.Decision)])
        return [record.verdict for record in found]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    signer = trustme.CA()
    device = signer.issue_cert("sdk.example", common_name="sdk-device")
    credentials, registry, records = in_memory(), Registry(), trace.Trace()
    registry.cas.register(
        Certificate.from_pem(signer.cert_pem.bytes()),
        at=NOW,
        status=CaStatus.ACTIVE,
        auto_registration=AutoRegistration.ENABLE,
        registration_config=RegistrationConfig(
            TEMPLATE.read_text(encoding="utf-8"), "arn:aws:iam::123456789012:role/JITPRole"
        ),
    )
    root, chain, key = tmp_path / "root.pem", tmp_path / "chain.pem", tmp_path / "key.pem"
    root.write_bytes(credentials.root_pem)
    chain.write_bytes(device.cert_chain_pems[0].bytes() + signer.cert_pem.bytes())
    key.write_bytes(device.private_key_pem.bytes())
    server = Server(FrontDesk(registry, records), LocalEngine(), records, credentials, now=lambda: NOW)
    with BrokerThread(server) as thread:
        yield Lab(thread, registry, records, (str(root), str(chain), str(key)))


def check(lab: Lab, told: list[list[str]], first: list[str]) -> None:
    """What is the same for all of them."""
    assert told == [first, [EVENT, "a/b"]]
    verdicts = lab.verdicts()
    assert verdicts[0] == "provision"
    assert set(verdicts[1:]) == {"known"}
    assert lab.thread.call(lambda: [thing.name for thing in lab.registry.things]) == ["sdk-device"]


@pytest.mark.parametrize("source", [PAHO, AIOMQTT, AMQTT], ids=["paho-mqtt", "aiomqtt", "amqtt"])
def test_a_python_client_is_onboarded_and_hears_of_its_subscription(lab: Lab, source: str) -> None:
    told = lab.python(source)

    check(lab, told, [])


def test_awsiotsdk_is_onboarded_and_hears_of_its_subscription(lab: Lab) -> None:
    told = lab.python(AWSCRT)

    check(lab, told, ["AWS_ERROR_MQTT_UNEXPECTED_HANGUP"])


def test_aws_iot_python_sdk_is_onboarded_and_hears_of_its_subscription(lab: Lab) -> None:
    told = lab.python(AWS_IOT_PYTHON_SDK)

    check(lab, told, [])


@pytest.fixture(scope="session")
def mqtt_js() -> Path:
    """Where ``mqtt`` of npm is installed; next to Python's packages, once."""
    installed = NPM / "node_modules" / "mqtt" / "package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != MQTT_JS:
        NPM.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(NPM), f"mqtt@{MQTT_JS}"],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"mqtt {MQTT_JS} cannot be installed: {(done.stderr.splitlines() or ['?'])[-1]}")
    return NPM / "node_modules"


@pytest.mark.program("npm")
@pytest.mark.program("node")
def test_mqtt_js_is_onboarded_and_hears_of_its_subscription(lab: Lab, mqtt_js: Path, tmp_path: Path) -> None:
    program = tmp_path / "client.js"
    program.write_text(MQTT_JS_PROGRAM, encoding="utf-8")
    told = lab.run("node", str(program), environment={"NODE_PATH": str(mqtt_js)})

    check(lab, told, [])
