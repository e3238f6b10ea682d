// Frames streams with Node's llhttp, as strict as Node runs it: the format is that of parse_tool.cc. The parser is fed
// byte by byte, so that the place where a message ends is known.
const binding = process.binding('http_parser');
const { HTTPParser } = binding;
const methods = binding.allMethods || binding.methods;

function describe(stream) {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  const messages = [];
  let message;
  let closed = false;
  let ended = false;
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, fields, method, url, s, t, upgrade, alive) => {
    message = { method: methods[method], target: url, minor, body: '', end: -1 };
    messages.push(message);
    closed = !alive;
  };
  parser[HTTPParser.kOnBody] = (bytes, offset, length) => {
    const part = offset === undefined ? bytes : bytes.subarray(offset, offset + length);
    message.body += Buffer.from(part).toString('hex');
  };
  parser[HTTPParser.kOnMessageComplete] = () => { ended = true; };
  for (let i = 0; i < stream.length; ++i) {
    if (parser.execute(stream.subarray(i, i + 1)) instanceof Error) return { messages, verdict: 'bad' };
    if (!ended) continue;
    ended = false;
    message.end = i + 1;
    if (closed) break;
  }
  return { messages, verdict: messages.every((m) => m.end >= 0) ? 'end' : 'need_more' };
}

const input = require('fs').readFileSync(0);
const lines = [];
for (let at = 0; at < input.length;) {
  const length = input.readUInt32LE(at);
  lines.push(JSON.stringify(describe(input.subarray(at + 4, at + 4 + length))));
  at += 4 + length;
}
process.stdout.write(lines.join('\n') + '\n');
