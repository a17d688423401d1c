// The service as its users run it: `vicinal serve` in a process of its own.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Packr } from 'msgpackr'
import { BENCH } from './datasets.mjs'
import { openHttp, request } from './http.mjs'

const COMMAND = join(BENCH, '..', 'dist', 'cli', 'main.js')
const START_DEADLINE_MS = 120_000
const POLL_MS = 20

const packr = new Packr({ useRecords: false, variableMapSize: true })
export const CODECS = {
  json: {
    type: 'application/json',
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (body) => JSON.parse(body),
  },
  msgpack: { type: 'application/msgpack', encode: (value) => packr.pack(value), decode: (body) => packr.unpack(body) },
}

/** A vector on the wire: MessagePack sends its bytes as they lie in memory. */
export const onWire = (vector, codec) =>
  codec === 'json' ? Array.from(vector) : Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

export async function startService(folder, nodeFlags = []) {
  const port = await freePort()
  const args = [...nodeFlags, COMMAND, 'serve', '--data', folder, '--port', String(port), '--log-level', 'warn']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))
  await ready(port, ended)
  return {
    port,
    pid: child.pid,
    call: (method, path, value, codec = 'json') => call(port, method, path, value, codec),
    async stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function ready(port, ended) {
  let end = null
  ended.then((code) => {
    end = code
  })
  const deadline = performance.now() + START_DEADLINE_MS
  while (performance.now() < deadline) {
    if (end !== null) throw new Error(`the service ended with ${end} before it was ready`)
    const answer = await call(port, 'GET', '/readyz', null, 'json', false).catch(() => null)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  throw new Error(`the service was not ready after ${START_DEADLINE_MS} ms`)
}

/** One call on a connection of its own; throws unless it succeeds. */
async function call(port, method, path, value, codec, mustSucceed = true) {
  const { type, encode, decode } = CODECS[codec]
  const connection = await openHttp(port)
  try {
    const answer = await connection.send(request(method, path, value === null ? null : encode(value), type, port))
    if (!mustSucceed) return answer
    return decode(successful(answer).body).result
  } finally {
    connection.close()
  }
}

export function successful(answer) {
  if (answer.status !== 200)
    throw new Error(`the service answered ${answer.status}: ${answer.body.latin1Slice(0, 500)}`)
  return answer
}
