// Redis 8 with a vector set (Q8, its default): the server and a client that speaks RESP.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { K } from '../lib/datasets.mjs'
import { RequestSocket } from '../lib/request-socket.mjs'
import { freePort, needPackages, startServer, whenReady } from './debian.mjs'

const PROGRAM = '/usr/bin/redis-server'
const KEY = 'bench'
/** Commands of one write while filling. */
const BATCH = 500

export async function startRedis() {
  needPackages(['redis-server'], () => existsSync(PROGRAM))
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-redis-'))
  const port = await freePort()
  const flags = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', 'protected-mode': 'no' }
  const server = startServer(
    PROGRAM,
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
  )
  const connection = await whenReady(server, () => openRedis(port))
  const [text] = [await connection.send([command('INFO', 'server')])]
  connection.close()
  const version = /redis_version:(\S+)/.exec(text)?.[1] ?? ''
  if (Number(version.split('.')[0]) < 8) throw new Error(`Redis ${version} has no vector sets`)
  return {
    port,
    version,
    async stop() {
      await server.stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const openRedis = (port) => RequestSocket.open(port, answerOf)

export function command(...parts) {
  const pieces = [Buffer.from(`*${parts.length}\r\n`)]
  for (const part of parts) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part))
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(pieces)
}

/** Commands in large writes, each answered to its end before the next is sent. */
async function pipeline(port, commands) {
  let wanted = 0
  const allOf = (bytes) => {
    let end = 0
    for (let i = 0; i < wanted; i++) {
      const one = parse(bytes, end)
      if (!one) return null
      if (one.value instanceof Error) return { length: one.end, error: one.value.message }
      end = one.end
    }
    return { length: end, value: null }
  }
  const socket = await RequestSocket.open(port, allOf)
  for (let from = 0; from < commands.length; from += BATCH) {
    const some = commands.slice(from, from + BATCH)
    wanted = some.length
    await socket.send(some)
  }
  socket.close()
}

const blob = (vector) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

/** `attributes(row)`, where given, are the values that filters look at. */
export async function fillRedis(port, { from, rows, dim, data }, { m, efConstruct }, attributes) {
  const commands = Array.from({ length: rows }, (_, i) => {
    const vector = blob(data.subarray(i * dim, (i + 1) * dim))
    const tail = attributes ? ['SETATTR', JSON.stringify(attributes(from + i))] : []
    return command('VADD', KEY, 'FP32', vector, from + i, 'CAS', 'Q8', 'EF', efConstruct, ...tail, 'M', m)
  })
  // Two connections, so that candidates are looked for in two threads.
  const half = Math.ceil(commands.length / 2)
  await Promise.all([pipeline(port, commands.slice(0, half)), pipeline(port, commands.slice(half))])
}

export const searchCommand = (query, ef, more = []) =>
  command('VSIM', KEY, 'FP32', blob(query), 'COUNT', K, 'EF', ef, ...more)

/** Of `searchCommand`, from its answer's bytes. */
export const idsOf = (bytes) => answerOf(bytes).value

function answerOf(bytes) {
  const found = parse(bytes, 0)
  if (!found) return null
  if (found.value instanceof Error) return { length: found.end, error: found.value.message }
  return { length: found.end, value: found.value }
}

/** One value of RESP2 from `at`, or null where it is not there to its end. */
function parse(bytes, at) {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) return null
  const line = bytes.latin1Slice(at + 1, lineEnd)
  const next = lineEnd + 2
  switch (String.fromCharCode(bytes[at])) {
    case '+':
      return { value: line, end: next }
    case '-':
      return { value: new Error(line), end: next }
    case ':':
      return { value: Number(line), end: next }
    case '$': {
      const length = Number(line)
      if (length < 0) return { value: null, end: next }
      if (bytes.length < next + length + 2) return null
      return { value: bytes.latin1Slice(next, next + length), end: next + length + 2 }
    }
    case '*': {
      const values = []
      let end = next
      for (let i = 0; i < Number(line); i++) {
        const one = parse(bytes, end)
        if (!one) return null
        values.push(one.value)
        end = one.end
      }
      return { value: values, end }
    }
    default:
      return { value: new Error(`not RESP: ${line}`), end: next }
  }
}
