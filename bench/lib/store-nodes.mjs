// Stores and nodes for the figures: services in processes of their own, with vectors that are made up, so that nothing has to
// be installed or downloaded.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { path } from '../../scripts/process.mjs'
import { startSlowStore } from './slow-store.mjs'

export const DIMENSIONS = 100
const CLUSTERS = 200
const SPREAD = 0.3
const BATCH_ROWS = 1000
const TICKS_PER_SECOND = 100
const KEY = 'the-key-of-the-nodes-of-the-bench'
const PATIENCE_MS = 600_000

/** Runs the work with a place that starts nodes and stores, and ends all of them. */
export async function withPlace(work) {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-figures-'))
  const ends = []
  try {
    return await work({
      root,
      async store(kind, putMs = 0, getMs = 0) {
        if (kind === 'file')
          return { address: pathToFileURL(join(root, `bucket-${ends.length}`)).href, env: {}, counts: {} }
        const store = await startSlowStore(putMs, getMs)
        ends.push(() => store.stop())
        return store
      },
      async node(name, { store, args = [], isReady = true }) {
        const where = store ? ['--store', store.address, '--cache', join(root, name)] : ['--data', join(root, name)]
        const node = await startNode([...where, ...args], store?.env ?? {}, isReady)
        ends.push(() => node.end('SIGKILL'))
        return node
      },
    })
  } finally {
    for (const end of ends.reverse()) await end()
    rmSync(root, { recursive: true, force: true })
  }
}

async function startNode(args, env, isReady) {
  const beganMs = performance.now()
  const child = spawn(
    process.execPath,
    [path('dist/cli/main.js'), 'serve', '--port', '0', '--log-level', 'error', ...args],
    {
      env: { PATH: process.env.PATH, HOME: tmpdir(), VICINAL_CLUSTER_KEY: KEY, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const exited = once(child, 'exit')
  let url
  for await (const line of createInterface({ input: child.stdout })) {
    url = /listening on (\S+),/.exec(line)?.[1]
    if (url) break
  }
  if (!url) throw new Error(`a node ended before it listened: ${args.join(' ')}`)
  const ask = async (method, at, body) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(url + at, { method, headers: { 'content-type': 'application/json' }, ...sent })
    const text = await answer.text()
    const told = text.startsWith('{') ? JSON.parse(text) : { result: text }
    return { status: answer.status, result: told.result, error: told.status?.error }
  }
  const node = {
    url,
    pid: child.pid,
    ask,
    async must(method, at, body) {
      const { status, result, error } = await ask(method, at, body)
      if (status !== 200) throw new Error(`${method} ${at}: ${status} ${error}`)
      return result
    },
    async end(signal) {
      child.kill(signal)
      await exited
    },
  }
  if (isReady) await until(async () => (await ask('GET', '/readyz')).status === 200)
  node.readySeconds = (performance.now() - beganMs) / 1000
  return node
}

export async function until(holds, everyMs = 10) {
  const deadlineMs = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error('waited for ten minutes')
    await sleep(everyMs)
  }
}

/** The vector of a row: the same in each run. */
export function vectorOf(row) {
  let state = (row + 1) * 2654435761
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
  const cluster = row % CLUSTERS
  return Array.from(
    { length: DIMENSIONS },
    (_, at) => Math.sin(cluster * 7 + at * (1 + (cluster % 13))) + SPREAD * (next() - 0.5),
  )
}

export const point = (id) => ({ id, vector: vectorOf(id) })

export async function makeCollection(node, name) {
  await node.must('PUT', `/collections/${name}`, { vectors: { size: DIMENSIONS, distance: 'Cosine' } })
}

/** Writes rows in batches, two under way. Resolves to the milliseconds of each, and the seconds of all. */
export async function fill(node, name, rows, batchRows = BATCH_ROWS) {
  const millis = []
  let next = 0
  const startedMs = performance.now()
  const lane = async () => {
    while (next < rows) {
      const from = next
      next = Math.min(rows, next + batchRows)
      const points = Array.from({ length: next - from }, (_, at) => point(from + at))
      const beforeMs = performance.now()
      await node.must('PUT', `/collections/${name}/points?wait=true`, { points })
      millis.push(performance.now() - beforeMs)
    }
  }
  await Promise.all([lane(), lane()])
  return { millis, seconds: (performance.now() - startedMs) / 1000 }
}

/** Waits until all rows are in the graph. */
export async function indexed(node, name) {
  await until(async () => {
    const { status, indexed_vectors_count, points_count } = await node.must('GET', `/collections/${name}`)
    return status === 'green' && indexed_vectors_count >= points_count
  }, 100)
}

export const search = (node, name, row) =>
  node.must('POST', `/collections/${name}/points/query`, { query: vectorOf(row), limit: 10 })

export function percentiles(millis) {
  const sorted = Float64Array.from(millis).sort()
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { p50: at(0.5), p99: at(0.99) }
}

/** Resident bytes and seconds of processor time of a process. Linux has them. */
export function usageOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  const residentKib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]
  return { bytes: Number(residentKib) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND }
}

export const bytesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
