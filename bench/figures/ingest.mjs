// Ingest through a store beside the local log; a write until it is searchable on a query node, and through one; requests and
// what they cost.
import { setTimeout as sleep } from 'node:timers/promises'
import { fill, makeCollection, percentiles, point, until, withPlace } from '../lib/store-nodes.mjs'
import { fixed, round, table } from '../lib/table.mjs'

/** Dollars a request: of S3 in us-east-1. */
const DEAR = 5 / 1e6
const CHEAP = 0.4 / 1e6
const DAY_S = 86_400
const MONTH_DAYS = 30
const MILLION = 1e6

export const measure = async (options) => {
  const rows = Number(options.rows)
  const local = await withPlace(async ({ node }) => {
    const owner = await node('local', {})
    await makeCollection(owner, 'things')
    return { name: 'folder', ...(await fill(owner, 'things', rows)) }
  })
  const stores = []
  for (const putMs of options['put-ms'].split(',').map(Number)) stores.push(await onStore(putMs, rows, options))
  const rate = ({ seconds }) => rows / seconds
  const pair = (millis) => {
    const { p50, p99 } = percentiles(millis)
    return `${fixed(p50, 1)}, ${fixed(p99, 1)}`
  }
  const lines = [local, ...stores].map((one) => [
    one.name,
    round(rate(one)),
    fixed(rate(one) / rate(local)),
    pair(one.millis),
    ...(one.found ? [pair(one.found), pair(one.forwarded)] : ['–', '–']),
  ])
  const heads = [
    'place',
    'points/s',
    '× folder',
    'acknowledged ms p50, p99',
    'searchable on a reader',
    'write through a reader',
  ]
  const costs = stores.map(({ name, written, idle, idleSeconds }) => {
    const perMillion = scaled(written, MILLION / rows)
    const perDay = scaled(idle, DAY_S / idleSeconds)
    return [name, told(perMillion), fixed(cost(perMillion)), told(perDay), fixed(cost(perDay) * MONTH_DAYS)]
  })
  const costHeads = ['place', 'requests a million points', '$', 'requests a day idle, two nodes', '$ a month idle']
  return `${table(heads, lines)}\n\n${table(costHeads, costs)}`
}

const onStore = (putMs, rows, { writes, settle, seconds }) =>
  withPlace(async ({ store: openStore, node }) => {
    const store = await openStore('s3', putMs)
    const owner = await node('owner', { store })
    const reader = await node('reader', { store, args: ['--role', 'query'] })
    await makeCollection(owner, 'things')
    await until(async () => (await count(reader)) === 0)
    const before = { ...store.counts }
    const filled = await fill(owner, 'things', rows)
    const written = difference(store.counts, before)
    const found = []
    const forwarded = []
    for (let at = 0; at < Number(writes); at++) {
      found.push(
        await timed(async () => {
          await put(owner, rows + at)
          await until(async () => (await count(reader, rows + at)) === 1, 1)
        }),
      )
    }
    for (let at = 0; at < Number(writes); at++) forwarded.push(await timed(() => put(reader, 2 * rows + at)))
    await sleep(Number(settle) * 1000)
    const quiet = { ...store.counts }
    await sleep(Number(seconds) * 1000)
    const idle = difference(store.counts, quiet)
    return { name: `s3, PUT + ${putMs} ms`, ...filled, written, found, forwarded, idle, idleSeconds: Number(seconds) }
  })

const put = (node, id) => node.must('PUT', '/collections/things/points?wait=true', { points: [point(id)] })

async function count(node, id) {
  const filter = id === undefined ? {} : { filter: { must: [{ has_id: [id] }] } }
  return (await node.ask('POST', '/collections/things/points/count', filter)).result?.count
}

async function timed(work) {
  const beforeMs = performance.now()
  await work()
  return performance.now() - beforeMs
}

const difference = (now, before) =>
  Object.fromEntries(Object.keys(now).map((name) => [name, now[name] - (before[name] ?? 0)]))
const scaled = (counts, by) =>
  Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Math.round(value * by)]))
const told = (counts) =>
  Object.entries(counts)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${round(value)} ${name}`)
    .join(', ')
const cost = (counts) =>
  Object.entries(counts).reduce(
    (sum, [name, value]) => sum + value * (name === 'DELETE' ? 0 : name === 'GET' || name === 'HEAD' ? CHEAP : DEAR),
    0,
  )
