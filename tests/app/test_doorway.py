"""Who may enter: every sentence on security, asked of a running server by a plain client."""

import http.client
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from memfit.app.desk import Desk, Opened
from memfit.app.doorway import LARGEST_REQUEST
from memfit.cli.main import main as command_line
from memfit.errors import InputError

PACKAGE = Path(__file__).parents[2] / "memfit" / "app"


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("opened")
    (folder / "iv.csv").write_text("Voltage (V), Current (A)\n0, 0\n0.1, 1e-6\n0.2, 3e-6\n0.3, 5e-6\n")
    (folder.parent / "secret.csv").write_text("Voltage (V), Current (A)\n0, 0\n1, 1\n2, 2\n")
    return serve(folder)


def ask(server, way, *, method="GET", body=None, **headers):
    """Status, headers and body of an answer."""
    port = int(server.address.split(":")[2].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, way, body, {key.replace("_", "-"): value for key, value in headers.items()})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace")
    connection.close()
    return found


def home(server):
    return f"/{server.token}/"


def port_of(server):
    return server.address.split(":")[2].split("/")[0]


def callback_ways(server):
    return [home(server), f"{home(server)}_dash-layout", f"{home(server)}_dash-dependencies"]


def test_it_binds_to_this_machine_alone(server):
    assert server.address.startswith("http://127.0.0.1:")
    others = {one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError), socket.create_connection((address, int(port_of(server))), timeout=2):
            pass


def test_a_token_of_each_launch_stands_in_the_address(server, serve, tmp_path):
    assert len(server.token) >= 30
    assert serve(tmp_path).token != server.token
    for way in ("/", "/_dash-layout", "/wrong-token/", f"/{server.token[:-1]}/", "/favicon.ico"):
        status, _, said = ask(server, way)
        assert status == 403, way
        assert server.token not in said
    for way in callback_ways(server):
        assert ask(server, way)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_another_host_is_rebinding(server, host):
    for way in callback_ways(server):
        assert ask(server, way, Host=host.format(port=port_of(server)))[0] == 400


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "file://"]
)
def test_a_foreign_origin_is_refused(server, origin):
    origin = origin.format(port=port_of(server))
    for way in callback_ways(server):
        assert ask(server, way, Origin=origin)[0] == 403
    way = f"{home(server)}_dash-update-component"
    assert (
        ask(server, way, method="POST", body="{}", Origin=origin, Content_Type="application/json")[0] == 403
    )
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert ask(server, f"{home(server)}_dash-ws", Origin=origin, **upgrade)[0] == 403


def test_there_are_no_sockets(server):
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    for way in ("_dash-ws", "ws", "_dash-ws-callback"):
        assert ask(server, home(server) + way, **upgrade)[0] != 101


def test_its_own_origin_is_not_foreign(server):
    assert ask(server, home(server), Origin=f"http://127.0.0.1:{port_of(server)}")[0] == 200


def test_parts_of_other_pages_cannot_load_it(server):
    assert ask(server, home(server), Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403


def test_nothing_is_loaded_from_elsewhere(server):
    status, headers, page = ask(server, home(server))
    policy = headers["Content-Security-Policy"]
    assert status == 200
    assert "default-src 'none'" in policy
    for word in ("http:", "https:", "*", "unsafe-eval"):
        assert word not in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe-inline" not in scripts
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_large_and_endless_requests_are_refused(server):
    way = f"{home(server)}_dash-update-component"
    assert ask(server, way, method="POST", Content_Length=str(LARGEST_REQUEST + 1))[0] == 413
    assert ask(server, way, method="POST", Transfer_Encoding="chunked", body="0\r\n\r\n")[0] == 411


@pytest.mark.parametrize(
    "way", ["../../secret.csv", "..%2f..%2fsecret.csv", "assets/../../page.py", "assets/%2e%2e/page.py"]
)
def test_no_way_leads_out_of_the_page(server, way):
    status, _, said = ask(server, home(server) + way)
    assert "Current (A)" not in said
    assert "def make_page" not in said
    assert status in (200, 403, 404)  # 200: the page itself, which asks for a device


def update(server, output, inputs, state=(), changed=()):
    """The answer to a callback."""
    body = {
        "output": output,
        "outputs": {},
        "inputs": inputs,
        "state": list(state),
        "changedPropIds": list(changed),
    }
    way = f"{home(server)}_dash-update-component"
    return ask(server, way, method="POST", body=json.dumps(body), Content_Type="application/json")


@pytest.mark.parametrize(
    "words", ["..", "../secret.csv", "/etc", "/", "a/../../..", "~root", "\x00", "x" * 5000]
)
def test_no_folder_outside_is_opened(tmp_path, words):
    desk = Desk(Opened(tmp_path))
    with pytest.raises(InputError, match=r"outside of the opened folder|expected a folder, found none"):
        desk.folder_named(words)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "iv.csv").write_text("Voltage (V), Current (A)\n0, 0\n1, 1\n2, 2\n3, 4\n")
    (inside / "way").symlink_to(outside, target_is_directory=True)
    (inside / "iv.csv").symlink_to(outside / "iv.csv")
    desk = Desk(Opened(inside))
    with pytest.raises(InputError, match="outside"):
        desk.folder_named("way")
    session = desk.session("0123456789abcdef", desk.key_of(inside))
    assert session is not None
    assert [row.records for row in session.rows()] == [()]
    assert "outside of the opened folder" in session.rows()[0].fault
    desk.close()


def test_no_pickle_is_read_from_a_file_or_a_request():
    """The only pickles are calls to the page's own process, over a pipe: `worker` makes them."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "pickle.load" not in text, path
        assert "eval(" not in text, path
        assert "pickle" not in text or path.name in ("worker.py",), path


def test_another_address_is_chosen_knowingly(tmp_path):
    command = [sys.executable, "-m", "memfit", "app", str(tmp_path), "--no-browser", "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--i-know" in done.stderr


def test_an_address_names_no_path(server):
    """The way to a device is a digest: what stands in its place is never looked up as a path."""
    state = [{"id": "url", "property": "pathname", "value": f"/{server.token}/../../etc/data"}]
    status, _, said = update(
        server,
        "..record-0.figure...mask-said.children..",
        [{"id": "which-record", "property": "value", "value": "passwd"}],
        state,
        ["which-record.value"],
    )
    assert "root:" not in said
    assert status in (200, 204, 400, 500)


def test_interrupted_before_it_answers_it_listens_no_more(folder, monkeypatch):
    """Ctrl-C while the address is printed ends it as Ctrl-C does later."""
    made = []

    def interrupted(address):
        made.append(int(address.rsplit(":", 1)[1].split("/")[0]))
        raise KeyboardInterrupt

    monkeypatch.setattr("memfit.app.serve.open_browser", interrupted)
    assert command_line(["app", str(folder), "--quiet"]) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", made[0])) != 0
