// PostgreSQL with pgvector: the server in a folder of its own, and a client that speaks its protocol with statements
// prepared once and vectors in binary.
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { K } from '../lib/datasets.mjs'
import { RequestSocket } from '../lib/request-socket.mjs'
import { freePort, needPackages, startServer, whenReady } from './debian.mjs'

const HOME = '/usr/lib/postgresql'
const USER = 'postgres'
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  shared_buffers: '1GB',
  maintenance_work_mem: '1GB',
  max_parallel_maintenance_workers: '1',
  max_parallel_workers_per_gather: '0',
  dynamic_shared_memory_type: 'mmap',
  fsync: 'off',
  autovacuum: 'off',
  jit: 'off',
  // The plan of a filter is made once, and not for each query anew.
  plan_cache_mode: 'force_generic_plan',
}

/** The newest version that has pgvector. */
function binaries() {
  const versions = existsSync(HOME) ? readdirSync(HOME).sort((a, b) => Number(b) - Number(a)) : []
  const has = (version) => existsSync(`/usr/share/postgresql/${version}/extension/vector.control`)
  const version = versions.find(has)
  return version && join(HOME, version, 'bin')
}

export async function startPostgres() {
  needPackages(['postgresql-17-pgvector'], () => binaries() !== undefined)
  const bin = binaries()
  const isRoot = process.getuid() === 0
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-postgres-'))
  if (isRoot) chownSync(folder, idOf('-u'), idOf('-g'))
  const data = join(folder, 'data')
  const initdb = [join(bin, 'initdb'), '-D', data, '-U', USER, '--auth=trust', '--no-sync', '--locale=C', '-E', 'UTF8']
  const as = isRoot ? [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'] : []
  const made = spawnSync('setpriv', [...as, ...initdb], { encoding: 'utf8', cwd: folder })
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const port = await freePort()
  const settings = { ...SETTINGS, port, unix_socket_directories: folder }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = startServer(join(bin, 'postgres'), ['-D', data, ...flags], isRoot ? USER : undefined)
  const connection = await whenReady(server, () => PostgresConnection.open(port))
  await connection.run('CREATE EXTENSION vector')
  const [[version]] = await connection.run(
    "SELECT current_setting('server_version') || ', pgvector ' || extversion FROM pg_extension WHERE extname = 'vector'",
  )
  connection.close()
  return {
    port,
    version: String(version),
    async stop() {
      // Its fast shutdown; its children end with it.
      await server.stop('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const idOf = (flag) => Number(spawnSync('id', [flag, USER], { encoding: 'utf8' }).stdout)

const VERSION_3 = 196_608

export class PostgresConnection {
  #socket

  static async open(port) {
    const one = new PostgresConnection()
    one.#socket = await RequestSocket.open(port, answerOf)
    await one.#socket.send([startup()])
    return one
  }

  /** Runs a statement. Its rows are arrays of texts. */
  run(sql) {
    return this.#socket.send([runMessage(sql)])
  }

  prepare(name, sql) {
    return this.#socket.send([prepareMessages(name, sql)])
  }

  /** Of `boundQuery`; rows of texts. */
  send(bytes) {
    return this.#socket.send([bytes])
  }

  /** Binary COPY of one chunk; `extra(row)` are integer columns after id and vector. */
  async copy(sql, { from, rows, dim, data }, extra) {
    await this.run(sql)
    const parts = [COPY_HEAD]
    for (let i = 0; i < rows; i++) {
      const numbers = extra(from + i)
      const fields = [int32(from + i), vectorBytes(data.subarray(i * dim, (i + 1) * dim)), ...numbers.map(int32)]
      parts.push(int16(fields.length), ...fields.flatMap((field) => [int32(field.length), field]))
    }
    parts.push(int16(-1))
    await this.#socket.send([message('d', Buffer.concat(parts)), message('c', Buffer.alloc(0))])
  }

  close() {
    this.#socket.close()
  }
}

/** The beginning of a connection that asks by one prepared statement: each has an answer of its own. */
export const opening = (settings, name, sql) => [startup(), runMessage(settings), prepareMessages(name, sql)]

const runMessage = (sql) => message('Q', Buffer.from(`${sql}\0`))
const prepareMessages = (name, sql) => Buffer.concat([message('P', Buffer.from(`${name}\0${sql}\0\0\0`)), SYNC])

/** Bind, execute and sync of a prepared statement whose one parameter is the query vector. */
export function boundQuery(name, query) {
  const vector = vectorBytes(query)
  const bind = Buffer.concat([
    Buffer.from(`\0${name}\0`),
    int16(1),
    int16(1),
    int16(1),
    int32(vector.length),
    vector,
    int16(0),
  ])
  return Buffer.concat([message('B', bind), message('E', Buffer.concat([Buffer.from('\0'), int32(0)])), SYNC])
}

export const OPERATORS = { Cosine: ['<=>', 'vector_cosine_ops'], Euclid: ['<->', 'vector_l2_ops'] }
export const nearestSql = (distance, where = '') =>
  `SELECT id FROM items ${where} ORDER BY embedding ${OPERATORS[distance][0]} $1 LIMIT ${K}`

const int16 = (value) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const message = (type, body) => Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
const SYNC = message('S', Buffer.alloc(0))
const COPY_HEAD = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])

function startup() {
  const body = Buffer.concat([int32(VERSION_3), Buffer.from(`user\0${USER}\0database\0${USER}\0\0`)])
  return Buffer.concat([int32(body.length + 4), body])
}

/** As pgvector sends and receives it. */
function vectorBytes(vector) {
  const bytes = Buffer.alloc(4 + vector.length * 4)
  bytes.writeInt16BE(vector.length)
  for (let i = 0; i < vector.length; i++) bytes.writeFloatBE(vector[i], 4 + i * 4)
  return bytes
}

/** Of `boundQuery`, from its answer's bytes. */
export const idsOf = (bytes) => answerOf(bytes).value.map(([id]) => id)

/** An answer ends when the server is ready for the next query, or for the data of a copy. */
function answerOf(bytes) {
  const rows = []
  let error = null
  for (let at = 0; at + 5 <= bytes.length; ) {
    const type = bytes[at]
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) return null
    if (type === TYPES.row) rows.push(rowOf(bytes, at + 5))
    if (type === TYPES.error) error = bytes.latin1Slice(at + 5, end).replaceAll('\0', ' ')
    if (type === TYPES.ready || type === TYPES.copyIn) return { length: end, error, value: rows }
    at = end
  }
  return null
}

const TYPES = { row: 68, error: 69, ready: 90, copyIn: 71 }

function rowOf(bytes, from) {
  const values = []
  let at = from + 2
  for (let left = bytes.readInt16BE(from); left > 0; left--) {
    const length = bytes.readInt32BE(at)
    values.push(length < 0 ? null : bytes.latin1Slice(at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  return values
}
