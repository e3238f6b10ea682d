"""No request that Labcoat accepts is framed differently by others: that is what request smuggling lives on.

The others are h11 (Python) and llhttp (Node). They may refuse what Labcoat takes; they may not end it elsewhere or read
another body.

LABCOAT_SEED repeats a run; LABCOAT_STREAMS makes it longer."""

import json
import os
import pathlib
import random
import struct
import subprocess

import h11
import pytest
from streams import streams

HERE = pathlib.Path(__file__).parent


def tool_path():
    program = os.environ.get("LABCOAT", HERE.parent.parent / "build/release/labcoat")
    path = pathlib.Path(program).resolve().parent / "tests/http/http_parse_tool"
    assert path.exists(), f"{path} is missing: build the target http_parse_tool beside {program}"
    return path


def run(command, corpus):
    packed = b"".join(struct.pack("<I", len(stream)) + stream for stream in corpus)
    output = subprocess.run(command, input=packed, stdout=subprocess.PIPE, timeout=120, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def frame_with_h11(stream):
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(stream)
    messages = []
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                return {"messages": messages, "verdict": "need_more"}
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return {"messages": messages, "verdict": "end"}
            if isinstance(event, h11.Request):
                messages.append({"method": event.method.decode(), "target": event.target.decode("latin-1"),
                                 "minor": int(event.http_version[2:]), "body": "", "end": -1})
            elif isinstance(event, h11.Data):
                messages[-1]["body"] += bytes(event.data).hex()
            elif isinstance(event, h11.EndOfMessage):
                messages[-1]["end"] = len(stream) - len(connection.trailing_data[0])
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return {"messages": messages, "verdict": "end"}
                connection.start_next_cycle()
    except h11.RemoteProtocolError:
        return {"messages": messages, "verdict": "bad"}


def difference(ours, theirs):
    """What the two say differently of a message that both accept, or None."""
    for index, mine in enumerate(ours["messages"]):
        if index == len(theirs["messages"]):
            # They refused it, or closed the connection before it; but they must have an opinion.
            cut_off = theirs["verdict"] == "need_more"
            return f"message {index} is complete for us, not for them" if cut_off and mine["end"] >= 0 else None
        other = theirs["messages"][index]
        if (mine["method"], mine["target"], mine["minor"]) != (other["method"], other["target"], other["minor"]):
            return f"message {index} has another request line"
        if other["end"] < 0 and theirs["verdict"] == "bad":
            return None
        if mine["end"] != other["end"]:
            # Ours may be refused in its body: then nobody answers it.
            if mine["end"] < 0 and ours["verdict"] == "bad":
                return None
            return f"message {index} ends elsewhere"
        if mine["end"] >= 0 and mine["body"] != other["body"]:
            return f"message {index} has another body"
    return None


@pytest.fixture(scope="module")
def corpus():
    seed = int(os.environ.get("LABCOAT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LABCOAT_SEED={seed}")
    made = list(streams(random.Random(seed), int(os.environ.get("LABCOAT_STREAMS", "6000"))))
    return seed, made, run([tool_path()], made)


def compare(corpus, name, framed):
    seed, made, ours = corpus
    assert len(made) == len(ours) == len(framed)
    agreed = 0
    for stream, mine, theirs in zip(made, ours, framed):
        found = difference(mine, theirs)
        assert found is None, f"LABCOAT_SEED={seed}: {found}\n{stream!r}\nlabcoat: {mine}\n{name}: {theirs}"
        agreed += sum(a == b and a["end"] >= 0 for a, b in zip(mine["messages"], theirs["messages"]))
    refused = sum(mine["verdict"] == "bad" for mine in ours)
    # The comparison means something only when many requests pass and many do not.
    assert agreed > len(made) / 4 and refused > len(made) / 10, (seed, agreed, refused)
    print(f"{name}: {len(made)} streams, {agreed} requests framed alike, {refused} streams refused by labcoat")


def test_h11_frames_alike_what_labcoat_accepts(corpus):
    compare(corpus, "h11", [frame_with_h11(stream) for stream in corpus[1]])


def test_llhttp_frames_alike_what_labcoat_accepts(corpus):
    compare(corpus, "llhttp", run(["node", "--no-deprecation", HERE / "llhttp.js"], corpus[1]))


def test_the_comparison_notices_a_difference():
    message = {"method": "GET", "target": "/", "minor": 1, "body": "", "end": 30}
    ours = {"messages": [message], "verdict": "end"}
    assert difference(ours, ours) is None
    for change in ({"end": 31}, {"end": -1}, {"body": "68"}, {"target": "/x"}):
        theirs = {"messages": [message | change], "verdict": "need_more"}
        assert difference(ours, theirs) is not None, change
    assert difference(ours, {"messages": [], "verdict": "bad"}) is None
    assert difference(ours, {"messages": [], "verdict": "need_more"}) is not None
