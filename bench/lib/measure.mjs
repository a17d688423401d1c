// Clocks and counters of one process: latency and rate of searches, recall, resident memory, processor time.
import { readdirSync, readFileSync } from 'node:fs'
import { K } from './datasets.mjs'

export const PASSES = 3
/** Of a system that takes longer than this for a pass, warm caches are the least of its worries: one pass is enough. */
const SLOW_PASS_SECONDS = 3

/**
 * One row a value of ef: a first pass warms caches and gives the recall, then come the timed passes.
 * `search(query, ef)` answers ids, or a promise of them where `sync` is false; `inFlight` of those run at a time.
 */
export async function sweep({ efs, queries, truth, search, inFlight = 1, sync = false, label = {} }) {
  const rows = []
  for (const ef of efs) {
    const found = new Array(queries.length)
    const keep = (ids, q) => {
      found[q] = ids
    }
    const first = await pass({ queries, search, ef, inFlight, sync, answer: keep })
    const isSlow = first.seconds > SLOW_PASS_SECONDS
    const passes = isSlow ? [first] : []
    for (let i = 0; i < PASSES && !isSlow; i++) passes.push(await pass({ queries, search, ef, inFlight, sync }))
    const row = { ...label, ef, inFlight, recall: recall(found, truth), ...summary(passes) }
    const isShort = inFlight === 1 && row.p50 < MOST_ADDING_US
    rows.push({ ...row, adding: isShort ? addingFor(row.p50) : null })
  }
  return rows
}

async function pass({ queries, search, ef, inFlight, sync, answer }) {
  const micros = new Float64Array(queries.length)
  let next = 0
  const started = performance.now()
  const lane = async () => {
    while (next < queries.length) {
      const q = next++
      const before = performance.now()
      const ids = sync ? search(queries[q], ef, q) : await search(queries[q], ef, q)
      micros[q] = (performance.now() - before) * 1000
      answer?.(ids, q)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { seconds: (performance.now() - started) / 1000, micros }
}

/**
 * Rate of the best pass and of the median one, and percentiles over the requests of all passes. Percentiles of each
 * request's median are free of a disturbance of one pass.
 */
export function summary(passes) {
  const rates = passes.map(({ seconds, micros }) => micros.length / seconds).sort((a, b) => b - a)
  const all = Float64Array.from(passes.flatMap(({ micros }) => [...micros])).sort()
  const medians = passes[0].micros.map((_, q) => medianOf(passes.map(({ micros }) => micros[q]))).sort()
  const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return {
    qps: rates[0],
    qpsMedian: rates[Math.floor(rates.length / 2)],
    p50: percentile(all, 0.5),
    p99: percentile(all, 0.99),
    p99OfMedians: percentile(medians, 0.99),
  }
}

/** Beyond this, disturbances of one request are little beside it. */
const MOST_ADDING_US = 1_000
const ADDITIONS = 3_000
/** Until the loop is compiled as well as it will be. */
const CALIBRATING_MS = 100

/**
 * The machine's own tail: median and 99th percentile, in microseconds, of a loop that reads one number and adds it, as
 * often as takes `p50`. It takes no memory and waits for nobody.
 */
function addingFor(p50) {
  const one = new Float64Array([1])
  const add = (times) => {
    const before = performance.now()
    let sum = 0
    for (let i = 0; i < times; i++) sum += one[0]
    return sum < 0 ? sum : (performance.now() - before) * 1000
  }
  let times = 1_000
  for (const end = performance.now() + CALIBRATING_MS; performance.now() < end; ) {
    const micros = medianOf(Array.from({ length: 9 }, () => add(times)))
    times = Math.max(1, Math.round((times * p50) / micros))
  }
  const sorted = Float64Array.from({ length: ADDITIONS }, () => add(times)).sort()
  return { p50: sorted[ADDITIONS / 2], p99: sorted[Math.floor(ADDITIONS * 0.99)] }
}

export const medianOf = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Mean share of the exact neighbours that were found. */
export function recall(found, truth) {
  let hits = 0
  found.forEach((ids, q) => {
    const wanted = new Set(truth.row(q))
    for (let i = 0; i < Math.min(K, ids.length); i++) if (wanted.delete(Number(ids[i]))) hits++
  })
  return hits / (found.length * K)
}

/** Resident bytes once garbage is gone (run Node with --expose-gc). */
export async function residentBytes() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage.rss()
}

/** Wall and processor seconds of an action. */
export async function timed(action) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const value = await action()
  const wall = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { value, wall, cpu: (user + system) / 1e6 }
}

const CLOCK_TICKS_PER_SECOND = 100

/** Processor seconds of each thread of a process by thread name, from Linux's /proc; empty elsewhere. */
export function threadSeconds(pid) {
  const seconds = {}
  let threads = []
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    return seconds
  }
  for (const thread of threads) {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      const name =
        thread === String(pid) ? 'main (JavaScript)' : stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      seconds[name] = (seconds[name] ?? 0) + (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
    } catch {
      // The thread ended between the listing and the reading.
    }
  }
  return seconds
}

export function threadSecondsSince(pid, before) {
  const entries = Object.entries(threadSeconds(pid)).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)])
  return Object.fromEntries(entries.filter(([, seconds]) => seconds >= 0.005).sort((a, b) => b[1] - a[1]))
}
