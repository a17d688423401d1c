// The cost of being observed: queries a second of the service with traces off, on (one in a hundred) and of every request, with
// the log of slow queries, and of another tree's service (`--before DIR`, built). Alternating runs, medians. Processor time for a
// query tells more than the rate where the machine does other work.
//
//     node bench/observe.mjs [--runs 9] [--seconds 3] [--rows 20000] [--connections 8] [--before DIR]
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runFolder } from './lib/datasets.mjs'
import { bodyOf, request } from './lib/http.mjs'
import { load } from './lib/load.mjs'
import { CODECS, onWire } from './lib/service.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '3' },
    rows: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '8' },
    before: { type: 'string' },
  },
})
const [runs, seconds, rows, connections] = [values.runs, values.seconds, values.rows, values.connections].map(Number)
const DIM = 64
const QUERIES = 500
const HERE = join(import.meta.dirname, '..')
mkdirSync(runFolder(), { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'vicinal-observe-'))

// Takes spans and forgets them. It is in this process, which does nothing else while the load generator runs.
const collector = createServer((incoming, answer) => incoming.resume().on('end', () => answer.end('{}')))
await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve))
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}` }

const WAYS = {
  ...(values.before ? { before: { tree: values.before } } : {}),
  off: {},
  on: { env: endpoint },
  'every request': { env: { ...endpoint, OTEL_TRACES_SAMPLER: 'always_on' } },
  'slow queries': { args: ['--slow-query-ms', '1000'] },
}

async function started({ tree = HERE, env = {}, args = [] }) {
  const command = [
    join(tree, 'dist/cli/main.js'),
    'serve',
    '--data',
    join(folder, 'data'),
    '--port',
    '0',
    '--log-level',
    'error',
  ]
  const child = spawn(process.execPath, [...command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const text of child.stdout) {
    const port = /listening on http:\/\/[^:]+:(\d+)/.exec(String(text))?.[1]
    if (port) return { child, port: Number(port) }
  }
  throw new Error('the service ended')
}

async function ended({ child }) {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}

const vector = () => Float32Array.from({ length: DIM }, () => Math.random() - 0.5)

async function fill() {
  const service = await started({})
  const call = async (method, path, body) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`http://127.0.0.1:${service.port}${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
    })
    if (answer.status !== 200) throw new Error(await answer.text())
  }
  await call('PUT', '/collections/bench', { vectors: { size: DIM, distance: 'Cosine' } })
  for (let from = 0; from < rows; from += 2000) {
    const points = Array.from({ length: Math.min(2000, rows - from) }, (_, i) => ({
      id: from + i,
      vector: [...vector()],
    }))
    await call('PUT', '/collections/bench/points?wait=true', { points })
  }
  await call('POST', '/collections/bench/wait-for-index', {})
  await ended(service)
}

const { type, encode } = CODECS.msgpack
const requests = Array.from({ length: QUERIES }, () =>
  Buffer.concat(
    request('POST', '/collections/bench/points/query', encode({ query: onWire(vector()), limit: 10 }), type, 6333),
  ),
)

const TICKS_PER_SECOND = 100

/** Processor time of a process in microseconds. */
function cpuUs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6
}

async function measured(way) {
  const service = await started(way)
  try {
    const ask = (passes) => load({ port: service.port, protocol: 'http', requests, connections, ...passes })
    await ask({ passes: 2 })
    const before = cpuUs(service.child.pid)
    const { passes, answers } = await ask({ seconds })
    const usedUs = cpuUs(service.child.pid) - before
    if (!JSON.stringify(CODECS.msgpack.decode(bodyOf(answers[0].bytes))).includes('"ok"'))
      throw new Error('a query failed')
    const queries = passes[0].micros.length
    return { rate: queries / passes[0].seconds, cpu: usedUs / queries }
  } finally {
    await ended(service)
  }
}

/** Each way comes first as often as the others: a machine that grows slower in a run would favour the first. */
const turned = (list, by) => [...list.slice(by % list.length), ...list.slice(0, by % list.length)]

try {
  await fill()
  const seen = Object.fromEntries(Object.keys(WAYS).map((name) => [name, []]))
  for (let run = 0; run < runs; run++)
    for (const [name, way] of turned(Object.entries(WAYS), run)) seen[name].push(await measured(way))
  const median = (name, of) => seen[name].map(of).sort((a, b) => a - b)[Math.floor(runs / 2)]
  const told = (name, of) => {
    const change = 100 * (median(name, of) / median('off', of) - 1)
    return `${Math.round(median(name, of))} (${change >= 0 ? '+' : ''}${change.toFixed(1)} %)`
  }
  for (const name of Object.keys(WAYS)) {
    const [rate, cpu] = [told(name, (one) => one.rate), told(name, (one) => one.cpu)]
    console.log(`${name.padEnd(14)} ${rate.padEnd(16)} queries/s   ${cpu.padEnd(16)} µs of processor a query`)
  }
} finally {
  collector.close()
  rmSync(folder, { recursive: true, force: true })
}
