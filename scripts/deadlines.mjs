// Sends dear requests of each kind to a service with a deadline of 1 s, and prints
// how long after it each answer begins, and the CPU that the service uses after its answer.
// It needs a built tree (`node scripts/run.mjs build`).
//
//   node scripts/deadlines.mjs [--points 50000] [kind ...]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { dearRequests, payloadOf } from './dear-requests.mjs'
import { path } from './process.mjs'

const DIM = 64
const TIMEOUT_MS = 1_000
const WATCHED_MS = 2_000
/** A tick of /proc/<pid>/stat. */
const MS_PER_TICK = 10
const AT_ONCE = 2_500

const { values, positionals } = parseArgs({
  options: { points: { type: 'string', default: '50000' } },
  allowPositionals: true,
})
const folder = mkdtempSync(join(tmpdir(), 'vicinal-deadlines-'))
const flags = ['serve', '--data', folder, '--port', '0', '--log-level', 'error']
const service = spawn(process.execPath, [path('dist/cli/main.js'), ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  const port = await listening()
  await fill(port)
  console.log(`${'kind'.padEnd(26)} status  ms after the deadline  ms of CPU after the answer`)
  for (const [name, [place, body]] of Object.entries(dearRequests(DIM))) {
    if (positionals.length > 0 && !positionals.some((asked) => name.includes(asked))) continue
    const { status, tookMs } = await send(port, 'POST', `${place}?timeout=${TIMEOUT_MS / 1_000}`, body)
    const usedMs = cpuMs()
    await sleep(WATCHED_MS)
    const figures = [
      String(status).padStart(6),
      (tookMs - TIMEOUT_MS).toFixed(0).padStart(22),
      String(cpuMs() - usedMs).padStart(27),
    ]
    console.log(name.padEnd(26), ...figures)
  }
} finally {
  service.kill()
  if (service.exitCode === null) await once(service, 'exit')
  rmSync(folder, { recursive: true, force: true })
}

/** The port that the service's log names. */
async function listening() {
  for await (const line of createInterface({ input: service.stdout })) {
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port) {
      service.stdout.resume()
      return Number(port)
    }
  }
  throw new Error('the service has ended')
}

/** Builds its graph, too: that would be CPU of nobody's request. */
async function fill(port) {
  await send(port, 'PUT', '', { vectors: { size: DIM, distance: 'Cosine' } })
  for (let from = 0; from < Number(values.points); from += AT_ONCE) {
    const points = Array.from({ length: AT_ONCE }, (_, at) => pointOf(from + at))
    await send(port, 'PUT', 'points?wait=true', { points })
  }
  for (const [field_name, field_schema] of [
    ['kind', 'keyword'],
    ['n', 'integer'],
  ])
    await send(port, 'PUT', 'index?wait=true', { field_name, field_schema })
  for (let quiet = 0; quiet < 3; ) {
    const before = cpuMs()
    await sleep(500)
    quiet = cpuMs() - before < 3 * MS_PER_TICK ? quiet + 1 : 0
  }
}

function pointOf(id) {
  return {
    id,
    vector: Array.from({ length: DIM }, (_, at) => Math.sin(id * 1.7 + at * (1 + (id % 13)))),
    payload: payloadOf(id),
  }
}

function cpuMs() {
  const fields = readFileSync(`/proc/${service.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}

function send(port, method, place, body) {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
  const startedMs = performance.now()
  return new Promise((resolve, reject) => {
    const url = `/collections/points${place === '' ? '' : '/'}${place}`
    const sent = request({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, (response) => {
      const tookMs = performance.now() - startedMs
      response.resume().on('end', () => resolve({ status: response.statusCode, tookMs }))
    })
    sent.on('error', reject).end(bytes)
  })
}
