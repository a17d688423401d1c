// Many collections with a few in use: memory, processor time and the start of a node, beside those few alone. The query node
// reads beside the owner first, and then without one.
import { setTimeout as sleep } from 'node:timers/promises'
import { fill, makeCollection, search, usageOf, withPlace } from '../lib/store-nodes.mjs'
import { fixed, mb, table } from '../lib/table.mjs'

const ROWS_OF_USED = 1000
const AT_ONCE = 32
const QUERIES_PER_SECOND = 20

export const measure = async ({ collections, used, seconds }) => {
  const few = await oneOf(Number(used), Number(used), Number(seconds))
  const all = await oneOf(Number(collections), Number(used), Number(seconds))
  const rows = ['owner', 'query node', 'query node, no owner'].flatMap((role, at) => [
    row(`${used} alone, ${role}`, few[at], few[at]),
    row(`${collections}, ${role}`, all[at], few[at]),
  ])
  return table(['collections, role', 'start s', 'memory', '× alone', 'CPU s', '× alone'], rows)
}

const row = (name, one, few) => [
  name,
  fixed(one.startSeconds),
  mb(one.bytes),
  fixed(one.bytes / few.bytes),
  fixed(one.cpuSeconds),
  fixed(one.cpuSeconds / few.cpuSeconds),
]

const oneOf = (count, used, seconds) =>
  withPlace(async ({ store: openStore, node }) => {
    const store = await openStore('file')
    const owner = await node('owner', { store })
    let next = 0
    const lane = async () => {
      while (next < count) await makeCollection(owner, `c${next++}`)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    for (let at = 0; at < used; at++) await fill(owner, `c${at}`, ROWS_OF_USED)
    await owner.end('SIGTERM')
    const fresh = await node('fresh', { store })
    const found = [await usageUnder(fresh, used, seconds)]
    const reader = await node('reader', { store, args: ['--role', 'query'] })
    found.push(await usageUnder(reader, used, seconds))
    await fresh.end('SIGTERM')
    found.push(await usageUnder(reader, used, seconds))
    return found
  })

async function usageUnder(node, used, seconds) {
  for (let at = 0; at < used; at++) await search(node, `c${at}`, at)
  const before = usageOf(node.pid)
  for (let at = 0; at < seconds * QUERIES_PER_SECOND; at++) {
    await search(node, `c${at % used}`, at)
    await sleep(1000 / QUERIES_PER_SECOND)
  }
  const { bytes, cpuSeconds } = usageOf(node.pid)
  return { startSeconds: node.readySeconds, bytes, cpuSeconds: cpuSeconds - before.cpuSeconds }
}
