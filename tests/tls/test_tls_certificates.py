"""Files: what a start says about bad ones, and new ones without a restart."""

import os
import re
import shutil
import signal
import ssl
import subprocess

import pytest
from edge_wire import ADMIN
from server import wait_until
from tls_wire import HERE, HTTPS, TlsEdge, openssl


def start_with(serve, *words):
    """What a server says that cannot start, and its exit code."""
    server = serve("--static", "/=.", "--check", "-l", "https://127.0.0.1:0", *words, listen=None, wait=False)
    code = server.wait()
    return code, server.stderr()


def test_bad_files_are_found_by_check(serve, authority, tmp_path):
    certificate, key = authority.certificate("localhost")
    other = authority.certificate("shop.example")[1]
    secret = tmp_path / "secret.key"
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", secret)
    pair = f"{certificate},{key}"
    broken = tmp_path / "broken.crt"
    broken.write_text(certificate.read_text().replace("MII", "MIX", 1))
    cases = [
        ((), "needs a certificate: [[tls.certificate]]"),
        (
            ("--certificate", f"{certificate},{other}"),
            f"the key {other} does not belong to the certificate {certificate}",
        ),
        (("--certificate", f"{tmp_path}/none.crt,{key}"), f"{tmp_path}/none.crt"),
        (("--certificate", f"{certificate},{tmp_path}/none.key"), f"{tmp_path}/none.key"),
        (("--certificate", str(certificate)), f"there is no private key in PEM form in {certificate}"),
        (("--certificate", f"{key},{key}"), f"there is no certificate in PEM form in {key}"),
        (("--certificate", f"{certificate},{secret}"), f"the key {secret} has a password"),
        (("--certificate", f"{broken},{key}"), f"a certificate in {broken} is broken"),
        (
            ("--certificate", pair, "--set", "client_certificates=required", "--set", f"client_ca={key}"),
            f"client_ca: there is no certificate in PEM form in {key}",
        ),
    ]
    for words, text in cases:
        code, said = start_with(serve, *words)
        assert code == 2 and text in said, (words, said)


def test_check_warns_of_a_certificate_that_ends_soon(labcoat, authority, tmp_path):
    certificate, key = tmp_path / "old.crt", tmp_path / "old.key"
    authority.new_key(key)
    openssl("req", "-x509", "-new", "-key", key, "-days", 3, "-subj", "/CN=old.example", "-out", certificate)
    words = ["--check", "--static", "/=.", "-l", HTTPS, "--certificate", f"{certificate},{key}"]
    command = [str(labcoat), "serve", *words]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0
    assert re.search(f"warning: the certificate {certificate} expires in [23] days", answer.stdout)


def put(authority, folder, name):
    """A new certificate for localhost, its common name `name`, in the place of the old."""
    certificate, key = authority.certificate("localhost", subject=f"/CN={name}", folder=folder, name="next")
    shutil.move(key, folder / "site.key")
    shutil.move(certificate, folder / "site.crt")


@pytest.fixture
def renewed(serve, authority, tmp_path):
    """A server whose certificate lies in the test's directory."""
    put(authority, tmp_path, "first")
    words = ["-w", "1", *ADMIN, "--certificate", "site.crt,site.key"]
    return TlsEdge(serve("tls_app:app", *words, listen=HTTPS, env={"PYTHONPATH": str(HERE)}), authority)


def test_new_files_are_taken_without_a_restart(renewed, authority, tmp_path):
    edge = renewed
    assert edge.who() == "first"
    with edge.client() as old:
        assert old.get("/").status == 200
        put(authority, tmp_path, "second")
        wait_until(lambda: edge.who() == "second", 30, "the new certificate")
        # Who is connected is not disturbed.
        assert old.get("/").status == 200
    assert edge.server.edge_pid() == edge.pid


def test_files_that_differ_in_nothing_but_when_they_were_changed_are_read(renewed, authority, tmp_path):
    """As a key that was made readable by chown."""
    edge = renewed
    files = [tmp_path / "site.crt", tmp_path / "site.key"]
    before = [file.stat() for file in files]
    texts = [file.read_bytes() for file in files]
    (tmp_path / "next").mkdir()
    put(authority, tmp_path / "next", "second")
    for file, text, stat in zip(files, texts, before):
        fresh = (tmp_path / "next" / file.name).read_bytes()
        size = max(len(text), len(fresh))
        file.write_bytes(text.ljust(size))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    edge.server.signal(signal.SIGHUP)
    wait_until(lambda: "site.crt: for localhost" in edge.server.stderr(), what="the padded files")
    for file, stat in zip(files, before):
        file.write_bytes((tmp_path / "next" / file.name).read_bytes().ljust(file.stat().st_size))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    wait_until(lambda: edge.who() == "second", 30, "the new certificate")


def test_hup_takes_them_at_once_and_bad_ones_never(renewed, authority, tmp_path):
    edge = renewed
    (tmp_path / "site.crt").write_text("nothing")
    edge.server.signal(signal.SIGHUP)
    edge.server.wait_for_log("the certificates in force stay")
    assert "there is no certificate in PEM form in" in edge.server.stderr()
    assert edge.who() == "first"
    put(authority, tmp_path, "second")
    edge.server.signal(signal.SIGHUP)
    wait_until(lambda: edge.who() == "second", 30, "the new certificate")


def garbage(folder, authority):
    (folder / "site.crt").write_text("nothing")
    return "there is no certificate in PEM form in"


def half_a_pair(folder, authority):
    authority.new_key(folder / "site.key")
    return "does not belong to the certificate"


def nothing(folder, authority):
    (folder / "site.crt").unlink()
    (folder / "site.key").unlink()
    return "No such file or directory"


def unreadable(folder, authority):
    (folder / "site.key").unlink()
    (folder / "site.key").mkdir()  # root may read everything else
    return "Is a directory"


def kill_edge(edge, times):
    """And wait until another serves."""
    os.kill(edge.server.edge_pid(), signal.SIGKILL)
    wait_until(lambda: len(re.findall(r"edge \(pid \d+\) is ready", edge.server.stderr())) > times, what="another edge")


@pytest.mark.parametrize("damage", [garbage, half_a_pair, nothing, unreadable])
def test_an_edge_that_starts_anew_has_the_last_good_certificate(renewed, authority, tmp_path, damage):
    edge = renewed
    put(authority, tmp_path, "second")
    edge.server.signal(signal.SIGHUP)
    wait_until(lambda: edge.who() == "second", 30, "the new certificate")
    why = damage(tmp_path, authority)
    for times in (1, 2):  # also the edge after the next
        kill_edge(edge, times)
        assert edge.who() == "second"
        edge.server.wait_for_log("the certificates in force before stay, for the files cannot be used: ", count=times)
    said = next(line for line in edge.server.stderr().splitlines() if "certificates in force before stay" in line)
    assert why in said and f"{tmp_path}/site." in said
    assert edge.told()["scheme"] == "https", "and the site is up"
    if (tmp_path / "site.key").is_dir():
        (tmp_path / "site.key").rmdir()
    put(authority, tmp_path, "third")
    wait_until(lambda: edge.who() == "third", 30, "the certificate that is good again")
    (tmp_path / "site.key").unlink()
    kill_edge(edge, 3)
    assert edge.who() == "third", "that is the last good one now"


def test_an_edge_that_starts_anew_takes_good_files(renewed, authority, tmp_path):
    put(authority, tmp_path, "second")
    kill_edge(renewed, 1)
    assert renewed.who() == "second"
    assert "stay" not in renewed.server.stderr()


def test_it_still_knows_who_signs_for_clients(serve, authority, other_authority, tmp_path):
    shutil.copy(authority.file, tmp_path / "staff.pem")
    words = ["--certificate", ",".join(map(str, authority.certificate("localhost")))]
    words += ["--set", "client_certificates=required", "--set", "client_ca=staff.pem"]
    edge = TlsEdge(serve("tls_app:app", "-w", "1", *ADMIN, *words, listen=HTTPS, env={"PYTHONPATH": str(HERE)}), authority)
    (tmp_path / "staff.pem").unlink()
    kill_edge(edge, 1)
    assert f"client_ca: the certificate cannot be read: cannot read {tmp_path}/staff.pem" in edge.server.stderr()
    ann = authority.certificate(subject="/CN=Ann", folder=tmp_path, name="ann")
    bob = other_authority.certificate(subject="/CN=Bob", folder=tmp_path, name="bob")
    told = edge.told(context=authority.context(certificate=ann))
    assert (told["SSL_CLIENT_VERIFY"], told["SSL_CLIENT_S_DN"]) == ("SUCCESS", "CN=Ann")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        edge.told(context=authority.context(certificate=bob))


def test_a_first_start_has_nothing_to_go_back_to(serve, authority, tmp_path):
    put(authority, tmp_path, "first")
    why = half_a_pair(tmp_path, authority)
    words = ["--certificate", "site.crt,site.key"]
    server = serve("tls_app:app", *words, listen=HTTPS, wait=False, env={"PYTHONPATH": str(HERE)})
    assert server.wait() == 2
    assert why in server.stderr()


def test_tickets_survive_a_new_certificate(renewed, authority, tmp_path):
    edge = renewed
    context = authority.context(ssl.TLSVersion.TLSv1_2)
    with edge.client(context) as client:
        client.get("/")
        session = client.socket.session
    put(authority, tmp_path, "second")
    edge.server.signal(signal.SIGHUP)
    wait_until(lambda: edge.who() == "second", 30, "the new certificate")
    with edge.client(context, session=session) as client:
        assert client.socket.session_reused


SITE = """
[server]
listen = ["https://127.0.0.1:0", "http://127.0.0.1:0"]
[admin]
listen = "http://127.0.0.1:0"
[tls]
{rules}
{certificates}
[app.main]
target = "tls_app:app"
workers = 1
"""


def test_a_changed_configuration_is_taken_without_a_restart(serve, authority, tmp_path):
    def write(rules, *names):
        rows = ["[[tls.certificate]]\nfile = '%s'\nkey = '%s'" % authority.certificate(*name.split()) for name in names]
        (tmp_path / "labcoat.toml").write_text(SITE.format(rules=rules, certificates="\n".join(rows)))

    write("", "localhost")
    edge = TlsEdge(serve(listen=None, env={"PYTHONPATH": str(HERE)}), authority)
    with edge.client(authority.context(ssl.TLSVersion.TLSv1_2)) as old:
        assert edge.who("new.example") == "localhost"
        write('version_min = "1.3"\nhsts = "5m"\nredirect_https = "on"', "localhost", "new.example")
        edge.server.signal(signal.SIGHUP)
        wait_until(lambda: edge.who("new.example") == "new.example", 30, "the new certificate")
        assert old.get("/").status == 200, "who is connected is not disturbed"
    assert "tls.certificate" in edge.server.stderr() and "after a restart" not in edge.server.stderr()
    with pytest.raises(ssl.SSLError):
        edge.client(authority.context(ssl.TLSVersion.TLSv1_2))
    with edge.client() as client:
        assert dict(client.get("/").fields)["Strict-Transport-Security"] == "max-age=300"
    with edge.plain_client(1) as client:
        assert client.get("/").status == 301
    # A file that cannot be read keeps the old ones.
    rows = SITE.format(rules="", certificates="[[tls.certificate]]\nfile = 'none.crt'\nkey = 'none.key'")
    (tmp_path / "labcoat.toml").write_text(rows)
    edge.server.signal(signal.SIGHUP)
    edge.server.wait_for_log("none.crt")
    assert edge.who("new.example") == "new.example"
    assert edge.server.edge_pid() == edge.pid


def test_tls_that_belongs_to_other_listeners_waits_for_them(serve, authority, tmp_path):
    certificate = "[[tls.certificate]]\nfile = '%s'\nkey = '%s'" % authority.certificate("localhost")
    config = tmp_path / "labcoat.toml"
    config.write_text(SITE.format(rules="", certificates=certificate))
    edge = TlsEdge(serve(listen=None, env={"PYTHONPATH": str(HERE)}), authority)
    config.write_text(SITE.format(rules="", certificates="").replace('"https://127.0.0.1:0", ', ""))
    edge.server.signal(signal.SIGHUP)
    edge.server.wait_for_log("only after a restart: server.listen, tls.certificate")
    assert edge.who() == "localhost"
    os.kill(edge.pid, signal.SIGKILL)
    edge.server.wait_for_log("another takes over its sockets")
    assert edge.who() == "localhost", "its listeners are the old ones"


def test_who_is_connected_without_a_certificate_is_sent_away_when_they_become_required(serve, authority, tmp_path):
    certificate = "[[tls.certificate]]\nfile = '%s'\nkey = '%s'" % authority.certificate("localhost")
    config = tmp_path / "labcoat.toml"
    config.write_text(SITE.format(rules="", certificates=certificate))
    edge = TlsEdge(serve(listen=None, env={"PYTHONPATH": str(HERE)}), authority)
    with edge.client() as old:
        assert old.get("/").status == 200
        config.write_text(SITE.format(rules=f"client_certificates = 'required'\nclient_ca = '{authority.file}'", certificates=certificate))
        edge.server.signal(signal.SIGHUP)
        wait_until(lambda: old.get("/").status == 421, what="the new rules")
        assert old.socket.recv(1) == b"", "and has to connect again"
    edge.server.wait_for_log("localhost.crt: for localhost")  # read again, with the new rules
    staff = authority.certificate(subject="/CN=Ann", folder=tmp_path, name="ann")
    assert edge.told(context=authority.context(certificate=staff))["SSL_CLIENT_VERIFY"] == "SUCCESS"
